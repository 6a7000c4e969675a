/**
 * The agent's end of a pseudo terminal, as far as the runtime does not serve it: closing on exec, and writing.
 *
 * @module
 */

/** ioctl(2) request that marks a descriptor as closed on exec. */
const FIOCLEX = Deno.build.os === "darwin" ? 0x20006601n : 0x5451n;
const C_LIBRARY = Deno.build.os === "darwin" ? "libSystem.B.dylib" : "libc.so.6";
/** poll(2). */
const POLLOUT = 0x0004;
const POLLERR = 0x0008;
const POLLHUP = 0x0010;
const POLLNVAL = 0x0020;
/** Longest one wait for room lasts, in milliseconds: after it the wait looks whether the terminal was closed meanwhile. */
const WAIT_MS = 250;

const SYMBOLS = {
  write: { parameters: ["i32", "buffer", "usize"], result: "isize" },
  poll: { parameters: ["buffer", "usize", "i32"], result: "i32", nonblocking: true },
  ioctl: { parameters: ["i32", "usize"], result: "i32" },
} as const;

/**
 * Calls of the C library on one terminal descriptor. It does not own the descriptor, only the library's handle.
 *
 * The runtime's own stream reads a terminal well, but its writes stop for good once the kernel's input queue was full
 * (seen with 100 kB into a program in raw mode), and it leaves the descriptor open in every child started later, which
 * would then keep the terminal alive.
 */
export class TerminalDevice implements Disposable {
  readonly #fd: number;
  readonly #library: Deno.DynamicLibrary<typeof SYMBOLS>;
  #closed = false;
  /** A wait runs on another thread and must not see the descriptor's number reused. */
  #waiting: Promise<unknown> = Promise.resolve();

  /** @throws {Error} When the C library cannot be opened. */
  constructor(fd: number) {
    this.#fd = fd;
    this.#library = Deno.dlopen(C_LIBRARY, SYMBOLS);
  }

  /** Keeps the descriptor out of children started from now on. */
  closeOnExec(): void {
    this.#library.symbols.ioctl(this.#fd, FIOCLEX);
  }

  /**
   * Writes all of `bytes`, waiting as long as the terminal's input queue is full.
   *
   * @returns `false` when the terminal was closed, or nobody has it open any more; then part of the bytes may be written.
   */
  async write(bytes: Uint8Array<ArrayBuffer>): Promise<boolean> {
    for (let sent = 0; sent < bytes.length;) {
      if (this.#closed) return false;
      const rest = bytes.subarray(sent);
      const written = Number(this.#library.symbols.write(this.#fd, rest, BigInt(rest.length)));
      if (written > 0) sent += written;
      else if (!await this.#room()) return false;
    }
    return true;
  }

  /** Refuses further writes. Resolves when no call uses the descriptor any more, so that it can be closed. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#waiting;
    this.#library.close();
  }

  /** Same as {@linkcode TerminalDevice.close}, without waiting. */
  [Symbol.dispose](): void {
    void this.close();
  }

  async #room(): Promise<boolean> {
    const request = new DataView(new ArrayBuffer(8));
    request.setInt32(0, this.#fd, true);
    request.setInt16(4, POLLOUT, true);
    const wait = this.#library.symbols.poll(new Uint8Array(request.buffer), 1n, WAIT_MS);
    this.#waiting = wait;
    await wait;
    return (request.getInt16(6, true) & (POLLERR | POLLHUP | POLLNVAL)) === 0;
  }
}
