import { assertEquals } from "@std/assert";

import { EndMark, pipeOf } from "./end_mark.ts";

const onlyLinux = { ignore: Deno.build.os !== "linux" };

/** Starts a program that holds a pipe open until it is killed, and reads the pipe in pieces as small as given. */
function start(line: string): Deno.ChildProcess {
  return new Deno.Command("sh", { args: ["-c", line], stdin: "piped", stdout: "piped" }).spawn();
}

for (const size of [1, 5, 33, 4096]) {
  Deno.test(`filter() takes the mark out of chunks of ${size} bytes`, onlyLinux, async () => {
    await using child = start("printf before; read -r line; printf after");
    const mark = new EndMark(pipeOf(child.pid, 1));
    const reader = child.stdout.getReader();
    let text = "";
    while (text !== "before") text += new TextDecoder().decode((await reader.read()).value);

    assertEquals(mark.write(), "written");
    const input = child.stdin.getWriter();
    await input.write(new TextEncoder().encode("go\n"));
    await input.close();
    let raw: number[] = [];
    for (let part = await reader.read(); !part.done; part = await reader.read()) raw = [...raw, ...part.value];

    const seen = { before: "", after: "" };
    let found = false;
    for (let at = 0; at < raw.length; at += size) {
      const chunk = new Uint8Array(raw.slice(at, at + size));
      const parts = found ? { before: chunk } : mark.filter(chunk);
      seen[found ? "after" : "before"] += new TextDecoder().decode(parts.before);
      if (parts.after === undefined) continue;
      found = true;
      seen.after += new TextDecoder().decode(parts.after);
    }
    assertEquals([raw.length, found, seen], [32 + 5, true, { before: "", after: "after" }]);
  });
}

Deno.test("filter() holds nothing back for good that only begins like the mark", onlyLinux, async () => {
  await using child = start("read -r line");
  const mark = new EndMark(pipeOf(child.pid, 1));
  mark.write();
  await child.stdin.close();
  const raw = new Uint8Array(await new Response(child.stdout).arrayBuffer());

  const first = mark.filter(raw.slice(0, 20));
  const second = mark.filter(new Uint8Array([...raw.slice(0, 3), 1, 2]));
  const third = mark.filter(raw);

  assertEquals([first.before.length, [...second.before]], [0, [...raw.slice(0, 20), ...raw.slice(0, 3), 1, 2]]);
  assertEquals([third.before.length, third.after?.length], [0, 0]);
});

Deno.test("write() says when the pipe is full, and when it is none that this process reads", onlyLinux, async () => {
  await using child = start("exec yes");
  const full = new EndMark(pipeOf(child.pid, 1));
  while (full.write() === "written") { /* Until yes(1), or this, has filled it. */ }
  assertEquals(full.write(), "full");
  assertEquals(new EndMark(pipeOf(2 ** 30, 1)).write(), "unknown");

  child.kill();
  await child.stdout.cancel();
  assertEquals(full.write(), "unknown");
  await child.stdin.close().catch(() => {});
});
