/**
 * Paramiko, the other implementation of SSH that people use most, does what its users do.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

import { startSshAgent } from "../ssh_agent.ts";

/** Debian's, for which Debian packages Paramiko; another one on the path would not find it. */
const PYTHON = "/usr/bin/python3";
const SCRIPT = fromFileUrl(new URL("paramiko_client.py", import.meta.url));

function hasParamiko(): boolean {
  if (Deno.env.get("CI") === "true") return true;
  try {
    return new Deno.Command(PYTHON, { args: ["-c", "import paramiko"], stderr: "null" }).outputSync().success;
  } catch {
    return false; // no Python
  }
}

const name = "Paramiko runs commands, terminals, SFTP, forwards and new key exchanges";
const ignore = !hasParamiko();

Deno.test({
  name: ignore ? `${name} (skipped: no python3-paramiko)` : name,
  ignore,
  fn: async () => {
    await using agent = await startSshAgent();
    const directory = join(agent.home, "files");
    await Deno.mkdir(directory);
    const closed = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    closed.close();

    const { code, stdout, stderr } = await new Deno.Command(PYTHON, {
      args: ["-W", "ignore", SCRIPT, String(agent.port), directory, String(closed.addr.port)],
      signal: AbortSignal.timeout(120_000),
    }).output();

    // It also writes that a forward was refused, which is asked for.
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    assertEquals(JSON.parse(new TextDecoder().decode(stdout)), {
      exec: ["typed\n", "error\n", 7],
      terminal: ["yes vt100", "31 91"],
      resized: ["41", "101"],
      shell: 3,
      file: [64 * 32_768, "xxpatchedxx", ["xxxx", "patched"]],
      size: 64 * 32_768 + 3,
      attributes: [5, 0o600, 2000],
      link: ["file", true],
      list: ["file", "link"],
      iterated: ["file", "link"],
      normalized: `${directory}/dir/file`,
      missing: "FileNotFoundError",
      local: "FORWARDED",
      refused: 2,
      remote: "reversed",
      rekeyed: "after new keys\n",
      many: true,
    });
  },
});
