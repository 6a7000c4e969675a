import { assert, assertEquals } from "@std/assert";
import { TextLineStream } from "@std/streams";
import { fromFileUrl } from "@std/path";

Deno.test("the demonstration starts both sides, says where to look, and leaves nothing when it is told to end", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fromFileUrl(new URL("demo.ts", import.meta.url))],
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const lines: string[] = [];
  for await (const line of child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
    lines.push(line);
    if (!line.startsWith("Ctrl-C")) continue;
    const [, token, url] = /Bearer (\S+)" (\S+)/.exec(lines.join("\n")) ?? [];
    const response = await fetch(url!, { headers: { authorization: `Bearer ${token}` } });
    assertEquals((await response.json()).connection, "connected");
    child.kill("SIGTERM");
  }

  const { code } = await child.status;
  assertEquals(code, 0);
  const home = /--unix (\S+)\/agent\.sock/.exec(lines.join("\n"))?.[1];
  assert(home !== undefined, lines.join("\n"));
  assertEquals(await Deno.stat(home).then(() => "there", () => "gone"), "gone");
});
