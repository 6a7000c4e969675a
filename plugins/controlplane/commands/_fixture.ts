/**
 * What the git commands are given in tests: an agent that answers as told, and programs that only seem to run.
 *
 * @module
 */
import type { CommandContext, ProgramEnd, RunOptions } from "../../../core/plugin.ts";

/** What a test says about the surroundings. */
export interface CommandFixture {
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Answers what the agent is asked. */
  readonly answer?: (path: string) => Response | Promise<Response>;
  /** Stands in for programs. Default: all end with 0. */
  readonly run?: (command: readonly string[], options: RunOptions) => Promise<ProgramEnd>;
  readonly signal?: AbortSignal;
}

/** A context that remembers what was written. */
export interface FakeCommandContext extends CommandContext {
  readonly written: { out: string; err: string };
}

/** Makes one. */
export function commandContext(fixture: CommandFixture): FakeCommandContext {
  const written = { out: "", err: "" };
  const { args, env = {}, answer = () => new Response(null, { status: 404 }), run } = fixture;
  return {
    ...{ args, env, written, cwd: "/", input: null, signal: fixture.signal ?? new AbortController().signal },
    out: (text) => Promise.resolve(void (written.out += text)),
    err: (text) => Promise.resolve(void (written.err += text)),
    agent: () => Promise.resolve({ socketPath: "/agent.sock", fetch: async (path) => await answer(path) }),
    run: (command, options = {}) => run?.(command, options) ?? Promise.resolve({ exitCode: 0, output: "" }),
  };
}
