import { assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

Deno.test("Agent starts and stops again and again without keeping handles", async () => {
  const cycles = 100 * Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);

  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--quiet", fromFileUrl(import.meta.resolve("./start_stop_cycles.ts")), String(cycles)],
    stdin: "null",
  }).output();

  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), []);
});
