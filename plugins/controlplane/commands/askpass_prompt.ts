/**
 * The questions git asks through `GIT_ASKPASS`. Their form is made by `credential_ask_one` in git's `credential.c`.
 *
 * @module
 */
import type { CommandLine } from "../../../core/plugin.ts";

/** What git wants to know. */
export interface AskpassPrompt {
  /** User name in the address; empty when git does not know one yet. */
  readonly user: string;
  /** Address without the user: scheme, host, and a path only when git was told to use it. */
  readonly address: string;
}

/** Whether git calls: it knows nothing but the path of a program, and hands over one question. */
export function isAskpassCall({ args, env }: CommandLine): boolean {
  return args.length === 1 && /^(?:Username|Password) /.test(args[0]!) && env.GIT_PREFIX !== undefined;
}

/**
 * Reads `Username for 'https://git.example.org': ` and the like.
 *
 * @throws {SyntaxError} When it is no such question, or about something else than HTTP.
 */
export function readPrompt(prompt: string): AskpassPrompt {
  const written = /^(?:Username|Password) for ["']?(.*?)["']?:?\s*$/.exec(prompt)?.[1];
  const url = written === undefined ? null : URL.parse(written);
  if (url === null || !(url.protocol === "https:" || url.protocol === "http:")) {
    throw new SyntaxError(
      `Cannot read the question "${prompt}": expected a form such as "Username for 'https://git.example.org': "`,
    );
  }
  return { user: decodeURIComponent(url.username), address: url.origin + (url.pathname === "/" ? "" : url.pathname) };
}
