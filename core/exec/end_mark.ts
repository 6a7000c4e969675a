/**
 * Telling what was written to a pipe before a moment from what is written after it.
 *
 * @module
 */
/** Random bytes in a mark: enough that no output ever holds them by chance, and so few that they are written in one piece. */
const MARK_BYTES = 32;
const EMPTY: Uint8Array<ArrayBuffer> = new Uint8Array(0);

/** What {@linkcode EndMark.filter} made of a chunk. */
export interface FilteredChunk {
  /** Output before the mark; empty when there is none. */
  readonly before: Uint8Array<ArrayBuffer>;
  /** Output behind the mark. `undefined` as long as the mark has not come. */
  readonly after?: Uint8Array<ArrayBuffer>;
}

/**
 * A mark that this process puts into a pipe it reads, behind everything that is in there, and takes out again.
 *
 * Linux only: it opens the pipe for writing through `/proc`, pipe(7) and proc_pid_fd(5). The mark is smaller than `PIPE_BUF`,
 * so that it is written whole, and no writer gets between its bytes.
 */
export class EndMark {
  readonly #pipe: string | undefined;
  readonly #mark: Uint8Array<ArrayBuffer> = crypto.getRandomValues(new Uint8Array(MARK_BYTES));
  #held: Uint8Array<ArrayBuffer> = EMPTY;

  /** @param pipe What {@linkcode pipeOf} said. */
  constructor(pipe: string | undefined) {
    this.#pipe = pipe;
  }

  /**
   * Writes the mark.
   *
   * @returns `"full"` when the pipe has no room; then try again after the next chunk was read. `"unknown"` when the pipe is
   * not known, or not read by this process.
   */
  write(): "written" | "full" | "unknown" {
    const descriptor = this.#pipe === undefined ? undefined : descriptorOf(this.#pipe);
    if (descriptor === undefined) return "unknown";
    // Loaded by the first process that ends: it brings much of Deno's Node layer, which a start need not wait for.
    // deno-lint-ignore no-process-global -- importing node:process would load it at once
    const { closeSync, constants, openSync, writeSync } = process.getBuiltinModule("node:fs");
    let file: number | undefined;
    try {
      file = openSync(`/proc/self/fd/${descriptor}`, constants.O_WRONLY | constants.O_NONBLOCK);
      writeSync(file, this.#mark);
      return "written";
    } catch (error) {
      return (error as { code?: string }).code === "EAGAIN" ? "full" : "unknown";
    } finally {
      if (file !== undefined) closeSync(file);
    }
  }

  /** Takes the mark out of the output, in which it may be cut in two. To be called for every chunk from the write on. */
  filter(chunk: Uint8Array<ArrayBuffer>): FilteredChunk {
    const bytes = joined(this.#held, chunk);
    const at = indexOf(bytes, this.#mark);
    const before = bytes.subarray(0, at);
    const isWhole = at + MARK_BYTES <= bytes.length;
    this.#held = isWhole ? EMPTY : bytes.slice(at);
    return isWhole ? { before, after: bytes.subarray(at + MARK_BYTES) } : { before };
  }
}

/**
 * What `/proc` calls the pipe that a process writes to.
 *
 * @param pid A process that was started just now, before anything else could happen: later it may have another file there.
 * @param descriptor 1 for standard output, 2 for standard error.
 * @returns `undefined` when it is no pipe, or this is another system.
 */
export function pipeOf(pid: number, descriptor: 1 | 2): string | undefined {
  const name = linkOf(`/proc/${pid}/fd/${descriptor}`);
  return name?.startsWith("pipe:") ? name : undefined;
}

/** Where `mark`, or its beginning at the end of `bytes`, starts; `bytes.length` when it is not there. */
function indexOf(bytes: Uint8Array, mark: Uint8Array): number {
  for (let at = bytes.indexOf(mark[0]!); at >= 0; at = bytes.indexOf(mark[0]!, at + 1)) {
    const part = bytes.subarray(at, at + mark.length);
    if (part.every((byte, index) => byte === mark[index])) return at;
  }
  return bytes.length;
}

function joined(first: Uint8Array<ArrayBuffer>, second: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  if (first.length === 0) return second;
  const both = new Uint8Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}

/** The number under which this process has a file, by the name that `/proc` shows for it. */
function descriptorOf(name: string): string | undefined {
  try {
    return [...Deno.readDirSync("/proc/self/fd")].map((entry) => entry.name)
      .find((descriptor) => linkOf(`/proc/self/fd/${descriptor}`) === name);
  } catch {
    // Another system.
    return undefined;
  }
}

function linkOf(path: string): string | undefined {
  try {
    return Deno.readLinkSync(path);
  } catch {
    // Another system, or whoever had it has ended or closed it.
    return undefined;
  }
}
