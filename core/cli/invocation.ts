/**
 * How people start this program, so that commands in hints work when copied.
 *
 * @module
 */
import { basename, dirname, fromFileUrl } from "@std/path";

/** What decides it. */
export interface InvocationFacts {
  /** Whether the program was made by `deno compile`. */
  readonly isCompiled: boolean;
  /** Path of the running executable. */
  readonly executable: string;
  /** URL of the module that was started. */
  readonly mainModule: string;
  /** Absolute working directory. */
  readonly cwd: string;
  /** Version of Deno. */
  readonly denoVersion: string;
}

/**
 * `outpost` for a compiled binary; `deno task outpost` in the project's own directory; the whole `deno run` line elsewhere.
 * Where Deno came from `npx`, and so is not on the path, `npx` is part of it.
 */
export function invocationOf(facts: InvocationFacts): string {
  if (facts.isCompiled) return basename(facts.executable);
  const isFromNpx = /[/\\]_npx[/\\]/.test(facts.executable);
  const deno = isFromNpx ? `npx -y deno@${facts.denoVersion}` : "deno";
  const main = facts.mainModule.startsWith("file:") ? fromFileUrl(facts.mainModule) : facts.mainModule;
  if (basename(main) === "main.ts" && dirname(main) === facts.cwd) return `${deno} task -q outpost`;
  return `${deno} run -A ${main}`;
}

/** The facts of this process. */
export function invocationFacts(cwd: string): InvocationFacts {
  return {
    isCompiled: Deno.build.standalone,
    executable: Deno.execPath(),
    mainModule: Deno.mainModule,
    cwd,
    denoVersion: Deno.version.deno,
  };
}
