/**
 * Builds and runs the Go program of this folder.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

const SOURCE = fromFileUrl(new URL("./go/", import.meta.url));

/** Whether `go` is installed. Without it the tests are skipped on a developer's machine, and fail in CI. */
export const hasGo: boolean = await new Deno.Command("go", { args: ["version"], stdout: "null", stderr: "null" })
  .output().then((result) => result.success, () => false);

/** Options of a test that needs `go`. */
export const needsGo: { readonly ignore: boolean } = { ignore: !hasGo && Deno.env.get("CI") !== "true" };

/** The built program, in a folder of its own. Dispose to remove it. */
export class GoProgram implements AsyncDisposable {
  private constructor(readonly folder: string) {}

  /** @throws {Error} When it cannot be built. */
  static async build(): Promise<GoProgram> {
    const folder = await Deno.makeTempDir({ prefix: "wire" });
    const built = await new Deno.Command("go", {
      args: ["build", "-o", `${folder}/wire`, "."],
      cwd: SOURCE,
      stdout: "null",
      stderr: "piped",
    }).output();
    if (!built.success) throw new Error(`Cannot build the Go program: ${new TextDecoder().decode(built.stderr)}`);
    return new GoProgram(folder);
  }

  /** Runs checks to their end. @throws {Error} With what the program wrote, when one failed. */
  async check(...args: string[]): Promise<void> {
    const result = await new Deno.Command(`${this.folder}/wire`, { args, stdout: "piped", stderr: "piped" }).output();
    const text = new TextDecoder().decode(result.stdout) + new TextDecoder().decode(result.stderr);
    if (!result.success) throw new Error(`${args[0]} failed:\n${text}`);
  }

  /** Starts a server and waits for its first line. */
  async serve(...args: string[]): Promise<{ readonly line: string } & AsyncDisposable> {
    const child = new Deno.Command(`${this.folder}/wire`, { args, stdin: "piped", stdout: "piped", stderr: "inherit" })
      .spawn();
    const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
    let text = "";
    while (!text.includes("\n")) {
      const chunk = await reader.read();
      if (chunk.done) throw new Error(`${args[0]} ended before it was ready`);
      text += chunk.value;
    }
    return {
      line: text.slice(0, text.indexOf("\n")),
      async [Symbol.asyncDispose]() {
        await child.stdin.close();
        await child.status;
        await reader.cancel();
      },
    };
  }

  /** Removes the built file. */
  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.folder, { recursive: true });
  }
}
