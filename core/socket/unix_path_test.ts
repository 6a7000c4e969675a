import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import { bindPrivately } from "./unix_path.ts";

const MODULE = new URL("unix_path.ts", import.meta.url).href;

async function inDirectory(mode: number, use: (path: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await Deno.chmod(dir, mode);
    await use(join(dir, "a.sock"));
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("bindPrivately() makes a socket for its owner alone, and leaves the whole process's umask alone where nobody else may enter", () =>
  inDirectory(0o700, async (path) => {
    const umask = Deno.umask;
    let calls = 0;
    try {
      Deno.umask = (mask) => (calls++, umask(mask));

      using _listener = bindPrivately(path, () => Deno.listen({ transport: "unix", path }));

      assertEquals([(await Deno.stat(path)).mode! & 0o777, calls], [0o600, 0]);
    } finally {
      Deno.umask = umask;
    }
  }));

// In a process of its own: other tests run beside this one in threads that share the umask.
Deno.test("bindPrivately() makes a socket for its owner alone where everybody may enter", () =>
  inDirectory(0o755, async (path) => {
    const code = `import { bindPrivately } from ${JSON.stringify(MODULE)};
      const path = ${JSON.stringify(path)};
      using _ = bindPrivately(path, () => Deno.listen({ transport: "unix", path }));
      console.log((Deno.statSync(path).mode & 0o777).toString(8), Deno.umask().toString(8));`;

    const { stdout } = await new Deno.Command("sh", {
      args: ["-c", `umask 022; exec "${Deno.execPath()}" eval --no-lock '${code}'`],
    }).output();

    assertEquals(new TextDecoder().decode(stdout).trim(), "600 22");
  }));
