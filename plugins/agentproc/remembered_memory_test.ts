import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";

const PROBE = fromFileUrl(new URL("testdata/remembered_memory.ts", import.meta.url));
/** Far above what the output of `echo hi` takes, far below the buffer of a stream. */
const MAX_BYTES = 8 * 1024;

Deno.test("agentproc keeps little of a process that has ended: its streams, with their buffers, are let go", async () => {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-prompt", "--v8-flags=--expose-gc", PROBE],
    cwd: fromFileUrl(new URL("../../", import.meta.url)),
  }).output();

  const text = new TextDecoder().decode(stdout).trim();
  assert(code === 0 && /^-?\d+$/.test(text), new TextDecoder().decode(stderr));
  assert(Number(text) < MAX_BYTES, `${text} bytes are kept of each process`);
});
