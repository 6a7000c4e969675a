/**
 * Runs the programs that a build needs, with an environment of listed variables only, and with secrets kept out of what they
 * print.
 *
 * @module
 */
import { NETWORK_VARIABLES } from "../network_variables.ts";
import type { Variables } from "../plugin.ts";

/** Runs a program with these arguments and returns its standard output. @throws {BuildStepError} When it fails. */
export type Runner = (args: readonly string[], options?: RunOptions) => Promise<string>;
/** How one program is run. */
export interface RunOptions {
  /** Absolute. Default: the runner's. */
  readonly cwd?: string;
  /** Beside the listed variables. */
  readonly env?: Variables;
}

/** A program of the build failed. */
export class BuildStepError extends Error {
  override readonly name = "BuildStepError";

  /** @param output What it printed, without secrets. */
  constructor(readonly command: string, readonly exitCode: number, readonly output: string) {
    super(`${command} ended with ${exitCode}:\n${output}`);
  }
}

/** Variables that programs of a build may see, beside those of the network: where things are, and how to reach registries. */
const LISTED =
  /^(PATH|HOME|USER|TMPDIR|LANG|LC_.*|XDG_CACHE_HOME|DENO_DIR|DENORT_BIN|DENO_AUTH_TOKENS|JSR_URL|NPM_CONFIG_.*|npm_config_.*)$/;
/** Of those, what holds a secret as a whole. */
const SECRET = /TOKEN|AUTH|PASSWORD/i;

/** The listed variables of an environment. */
export function listedVariables(env: Variables): Variables {
  return Object.fromEntries(Object.entries(env).filter(([name]) => isListed(name)));
}

function isListed(name: string): boolean {
  return LISTED.test(name) || NETWORK_VARIABLES.includes(name);
}

/** `text` without the secrets that the listed variables hold: tokens, and what stands before `@` in an address. */
export function withoutSecrets(text: string, env: Variables): string {
  const secrets = Object.entries(listedVariables(env)).flatMap(([name, value]) => [
    ...(SECRET.test(name) ? value.split(";").flatMap((part) => [part, part.split("@")[0]!]) : []),
    ...(/^\w+:\/\/([^/@\s]+)@/.exec(value)?.slice(1) ?? []),
  ]);
  // The longest first, so that no part of one is left behind by a shorter one.
  const long = secrets.filter((secret) => secret.length >= SHORTEST_SECRET).sort((a, b) => b.length - a.length);
  return long.reduce((masked, secret) => masked.replaceAll(secret, "[redacted]"), text);
}

/** A shorter text is no secret, and masking it would make the output unreadable. In characters. */
const SHORTEST_SECRET = 4;

/** Runs `program` in `cwd`. */
export function runner(program: string, { cwd, env }: { readonly cwd: string; readonly env: Variables }): Runner {
  return async (args, options = {}) => {
    const { code, stdout, stderr } = await new Deno.Command(program, {
      args: [...args],
      cwd: options.cwd ?? cwd,
      env: { ...listedVariables(env), NO_COLOR: "1", RUST_BACKTRACE: "0", DENO_NO_UPDATE_CHECK: "1", ...options.env },
      clearEnv: true,
      stdin: "null",
    }).output();
    const decoder = new TextDecoder();
    if (code === 0) return decoder.decode(stdout);
    const output = `${decoder.decode(stderr)}${decoder.decode(stdout)}`.trim();
    throw new BuildStepError(`${program} ${args[0]}`, code, withoutSecrets(output, env));
  };
}
