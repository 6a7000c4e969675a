/**
 * Files, sockets and watchers that plugin code opens past its context, with the stack that did it.
 *
 * Deno tells which resources are open, and tests can let it fail on what is left (`sanitizeResources`), but not who opened them.
 *
 * @module
 */
import { currentOwner } from "../owner.ts";

/** What opens resources that somebody has to close. */
const OPENERS = [
  ...["open", "openSync", "create", "createSync", "watchFs", "createHttpClient"],
  ...["listen", "listenTls", "listenDatagram", "connect", "connectTls", "serve"],
] as const;

/** One resource, and where it came from. */
interface Opened {
  readonly name: string;
  readonly plugin: string;
  readonly opener: string;
  readonly origin: Error;
}

/** In the stack of whatever a test does itself. */
const TEST_RUNNER = "ext:cli/";

type Resources = Readonly<Record<string, string>>;
type Opener = (...args: unknown[]) => unknown;

/** The functions are one set for the whole process, and so is who watches them. */
const watches = new Set<ResourceWatch>();
let originals: ReadonlyMap<string, Opener> | undefined;

/** Notes what plugins open until it is disposed. Sees nothing where Deno does not say what is open. */
export class ResourceWatch implements Disposable {
  readonly #opened = new Map<string, Opened>();

  constructor() {
    watches.add(this);
    if (originals === undefined && openResources() !== undefined) originals = install();
  }

  /** What is still open, one text each, with the stack that opened it. */
  leaks(): readonly string[] {
    const open = openResources() ?? {};
    return [...this.#opened].filter(([id, { name }]) => open[id] === name)
      .map(([, { name, plugin, opener, origin }]) =>
        `plugin "${plugin}" left a resource open (${name}), from Deno.${opener}()\n${framesOf(origin)}`
      );
  }

  /** Notes a resource; the runtime may give the number of a closed one again. */
  note(id: string, opened: Opened): void {
    this.#opened.set(id, opened);
  }

  [Symbol.dispose](): void {
    watches.delete(this);
    if (watches.size > 0 || originals === undefined) return;
    for (const [name, original] of originals) Reflect.set(Deno, name, original);
    originals = undefined;
  }
}

/** What is open in this process, by number; `undefined` when this Deno does not tell. */
function openResources(): Resources | undefined {
  // The way Deno's own leak check of tests goes; there is no public one.
  const { internal } = Deno as unknown as { readonly internal?: symbol };
  if (internal === undefined) return undefined;
  const { core } = (Reflect.get(Deno, internal) ?? {}) as { readonly core?: { resources?(): Resources } };
  return core?.resources?.();
}

function install(): ReadonlyMap<string, Opener> {
  const replaced = new Map<string, Opener>();
  for (const name of OPENERS) {
    const original = Reflect.get(Deno, name) as Opener | undefined;
    if (typeof original !== "function") continue;
    replaced.set(name, original);
    Reflect.set(Deno, name, (...args: unknown[]) => watched(name, () => original.apply(Deno, args)));
  }
  return replaced;
}

function watched(opener: string, open: () => unknown): unknown {
  const owner = currentOwner();
  if (owner === undefined) return open();
  const origin = new Error(`Deno.${opener}()`);
  // A test may inherit the owner of what it waited for; its own stack says that it is the test.
  if (origin.stack?.includes(TEST_RUNNER)) return open();
  const before = openResources() ?? {};
  const note = () => {
    for (const [id, name] of Object.entries(openResources() ?? {})) {
      if (before[id] === name) continue;
      for (const watch of watches) watch.note(id, { name, plugin: owner.plugin, opener, origin });
    }
  };
  const result = open();
  if (!(result instanceof Promise)) {
    note();
    return result;
  }
  return result.finally(note);
}

/** From the caller of the opener on. */
function framesOf(origin: Error): string {
  return (origin.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line) && !line.includes("resource_watch.ts"))
    .join("\n");
}
