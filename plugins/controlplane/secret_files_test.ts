import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import type { Logger } from "../../core/plugin.ts";
import type { ManifestSecret } from "./manifest.ts";
import { writeSecretFiles } from "./secret_files.ts";

function secret(filePath: string, value: string | Uint8Array = "secret"): ManifestSecret {
  return { envName: "", filePath, value: typeof value === "string" ? new TextEncoder().encode(value) : value };
}

async function inDirectory(
  test: (
    write: (secrets: readonly ManifestSecret[], home?: string) => Promise<readonly string[]>,
    dir: string,
  ) => Promise<void>,
): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await test(async (secrets, home = dir) => {
      const warnings: string[] = [];
      const log: Logger = { debug() {}, info() {}, warn: (message) => void warnings.push(message), error() {} };
      await writeSecretFiles(secrets, home, log);
      return warnings;
    }, dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function modeOf(path: string): Promise<number> {
  return (await Deno.stat(path)).mode! & 0o777;
}

Deno.test("writeSecretFiles() writes absolute paths and those below the home, with narrow modes", async () => {
  await inDirectory(async (write, dir) => {
    const warnings = await write([secret(join(dir, "a/b/absolute")), secret("~/.config/../home", "two")]);

    assertEquals(await Deno.readTextFile(join(dir, "a/b/absolute")), "secret");
    assertEquals(await Deno.readTextFile(join(dir, "home")), "two");
    assertEquals([await modeOf(join(dir, "a")), await modeOf(join(dir, "a/b/absolute"))], [0o700, 0o600]);
    assertEquals(warnings, []);
  });
});

Deno.test("writeSecretFiles() keeps bytes as they are", async () => {
  await inDirectory(async (write, dir) => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);

    await write([secret("~/binary", bytes)]);

    assertEquals(await Deno.readFile(join(dir, "binary")), bytes);
  });
});

Deno.test("writeSecretFiles() replaces what a file holds and keeps its mode", async () => {
  await inDirectory(async (write, dir) => {
    const path = join(dir, "file");
    await Deno.writeTextFile(path, "something longer than the secret", { mode: 0o644 });

    await write([secret(path)]);

    assertEquals([await Deno.readTextFile(path), await modeOf(path)], ["secret", 0o644]);
  });
});

Deno.test("writeSecretFiles() lets the later of two secrets for one path win, and warns", async () => {
  await inDirectory(async (write, dir) => {
    const warnings = await write([secret("~/file", "first"), secret(join(dir, "x/../file"), "second")]);

    assertEquals(await Deno.readTextFile(join(dir, "file")), "second");
    assertEquals(warnings, ["two secrets have one path; the later one wins"]);
  });
});

Deno.test("writeSecretFiles() leaves out what has no place, and writes the others", async () => {
  await inDirectory(async (write, dir) => {
    const secrets = [secret(""), secret("~/nowhere"), secret("relative"), secret(join(dir, "there"))];

    const warnings = await write(secrets, "");

    assertEquals([...Deno.readDirSync(dir)].map(({ name }) => name), ["there"]);
    assertEquals(warnings, ["secret file skipped", "secret file skipped"]);
  });
});

Deno.test("writeSecretFiles() warns of a file that cannot be written, and writes the others", async () => {
  await inDirectory(async (write, dir) => {
    await Deno.writeTextFile(join(dir, "file"), "");

    const warnings = await write([secret("~/file/below"), secret("~/other")]);

    assertEquals(await Deno.readTextFile(join(dir, "other")), "secret");
    assertEquals(warnings, ["secret file not written"]);
  });
});

Deno.test("writeSecretFiles() writes into a file that is mounted by itself, which cannot be replaced", async (t) => {
  await inDirectory(async (_, dir) => {
    const [mounted, source] = [join(dir, "mounted"), join(dir, "source")];
    await Deno.writeTextFile(mounted, "");
    await Deno.writeTextFile(source, "the secret of before");
    const program = `
      import { writeSecretFiles } from "${new URL("./secret_files.ts", import.meta.url)}";
      const log = { debug() {}, info() {}, warn: console.error, error() {} };
      const value = new TextEncoder().encode("new");
      await writeSecretFiles([{ envName: "", filePath: ${JSON.stringify(mounted)}, value }], "/", log);`;
    const asRoot = Deno.uid() === 0 ? [] : ["--user", "--map-root-user"];
    const inside = async (script: string) =>
      await new Deno.Command("unshare", {
        args: [...asRoot, "--mount", "sh", "-ec", script, "sh", source, mounted, Deno.execPath(), program],
        cwd: new URL("../../", import.meta.url),
        stdin: "null",
      }).output().catch(() => undefined);
    if (!(await inside('mount --bind "$1" "$2"'))?.success) {
      await t.step({ name: "needs the right to mount", ignore: true, fn() {} });
      return;
    }

    const end = await inside('mount --bind "$1" "$2"; exec "$3" eval "$4"');

    assertEquals(new TextDecoder().decode(end!.stderr), "");
    assertEquals([await Deno.readTextFile(source), await Deno.readTextFile(mounted)], ["new", ""]);
  });
});
