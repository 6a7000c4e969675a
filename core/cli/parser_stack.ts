/**
 * Keeps Deno alive when file descriptors run out.
 *
 * A module that is imported for the first time in that moment cannot be read from Deno's cache, so Deno compiles it again.
 * The first use of its compiler on a thread looks up how large the stack is, in `/proc/self/maps`, and where that cannot be
 * opened the whole process ends (seen with Deno 2.9.6). Once known it is remembered: so it is looked up while there are
 * descriptors.
 *
 * @module
 */

/**
 * More descriptors than this are not used up by connections: the memory that these need is gone before. The look-up costs 10
 * MB and some milliseconds where no plugin has loaded Deno's Node layer, and most machines do without it.
 */
const FEW_DESCRIPTORS = 65_536;
/** Only a few kinds of statements make the compiler look. */
const SOURCE = "if (a) { b(c as D); }";

/** What {@linkcode lookUpParserStack} works with, for tests. */
export interface ParserStackFacts {
  /** Text of `/proc/self/limits`. */
  readonly limits: () => Promise<string>;
  /** Compiles on this thread. */
  readonly compile: (source: string) => Promise<void>;
  /** Whether this is a compiled binary, whose modules need no compiler. */
  readonly isStandalone: boolean;
}

/** Looks it up where descriptors are few. Never rejects: what cannot be prepared for may never happen. */
export async function lookUpParserStack(facts: ParserStackFacts = processFacts()): Promise<void> {
  try {
    if (!facts.isStandalone && descriptorLimit(await facts.limits()) <= FEW_DESCRIPTORS) await facts.compile(SOURCE);
  } catch {
    // No such file, as on macOS, or a Deno without this function.
  }
}

/** The hard limit, to which Deno raises its own. */
export function descriptorLimit(limits: string): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  return hard === undefined || hard === "unlimited" ? Infinity : Number(hard);
}

function processFacts(): ParserStackFacts {
  return {
    limits: () => Deno.readTextFile("/proc/self/limits"),
    compile: async (source) => void (await import("node:module")).stripTypeScriptTypes(source),
    isStandalone: Deno.build.standalone,
  };
}
