/**
 * The few system calls that a parent needs and Deno does not offer: starting a child without waiting for it, and waiting for
 * any child.
 *
 * `Deno.Command` must not be used beside it: the runtime then waits for its own children, and whoever comes second gets nothing.
 *
 * @module
 */

/** What the parent asks of the system. */
export interface Libc {
  /**
   * Starts a program in a session of its own, with this process's standard streams, directory and environment.
   *
   * @param argv The program's words; the first is what it is called.
   * @returns The number of the process.
   * @throws {Error} If the system refuses.
   */
  spawn(path: string, argv: readonly string[]): number;
  /** One child that has ended, adopted ones included; `undefined` when there is none now. Does not wait. */
  reapOne(): Reaped | undefined;
  /** Becomes another program: same number, same children, same environment. Returns only if the system refuses. */
  become(path: string, argv: readonly string[]): void;
  /** Makes orphans below this process its children. `false` where the kernel does not know that. */
  becomeSubreaper(): boolean;
}

/** A child that is gone for good. */
export interface Reaped {
  readonly pid: number;
  /** See wait(2). */
  readonly status: number;
}

/** Of glibc. Other libraries have other structures and flags, and Deno's own executables need this one. */
const LIBRARY = "libc.so.6";
/** `WNOHANG` of wait(2). */
const NO_HANG = 1;
/** `PR_SET_CHILD_SUBREAPER` of prctl(2), in Linux since 3.4. */
const SET_CHILD_SUBREAPER = 36;
/** `POSIX_SPAWN_SETSID`, in glibc since 2.26. */
const SPAWN_IN_NEW_SESSION = 0x80;
/** More than glibc's 336 bytes for `posix_spawnattr_t`. */
const ATTRIBUTE_BYTES = 512;
/** What errno(3) values of a failed start mean to people; others are shown as numbers. */
const REASONS: Readonly<Record<number, string>> = {
  2: "no such file",
  7: "the arguments are too long",
  11: "too many processes",
  12: "out of memory",
  13: "permission denied",
};

const SYMBOLS = {
  environ: { type: "pointer" },
  posix_spawn: { parameters: ["buffer", "buffer", "pointer", "buffer", "buffer", "pointer"], result: "i32" },
  posix_spawnattr_init: { parameters: ["buffer"], result: "i32" },
  posix_spawnattr_setflags: { parameters: ["buffer", "i16"], result: "i32" },
  posix_spawnattr_destroy: { parameters: ["buffer"], result: "i32" },
  execve: { parameters: ["buffer", "buffer", "pointer"], result: "i32" },
  waitpid: { parameters: ["i32", "buffer", "i32"], result: "i32" },
  prctl: { parameters: ["i32", "u64", "u64", "u64", "u64"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * Opens the C library.
 *
 * @throws {Error} If there is none that fits, or the permission for FFI is missing.
 */
export function openLibc(): Libc {
  const { symbols } = Deno.dlopen(LIBRARY, SYMBOLS);
  const status = new Int32Array(1);
  /** The list of variables as it is now: it moves when it grows. Deno gives the address of what points to it. */
  const environment = () => new Deno.UnsafePointerView(symbols.environ!).getPointer();
  return {
    spawn(path, argv) {
      const attributes = new Uint8Array(ATTRIBUTE_BYTES);
      symbols.posix_spawnattr_init(attributes);
      symbols.posix_spawnattr_setflags(attributes, SPAWN_IN_NEW_SESSION);
      const pid = new Int32Array(1);
      const words = argv.map(cString);
      const failure = symbols.posix_spawn(pid, cString(path), null, attributes, pointersTo(words), environment());
      symbols.posix_spawnattr_destroy(attributes);
      if (failure === 0) return pid[0]!;
      throw new Error(`Cannot start "${path}": ${REASONS[failure] ?? `error ${failure}`}`);
    },
    reapOne() {
      const pid = symbols.waitpid(-1, status, NO_HANG);
      return pid > 0 ? { pid, status: status[0]! } : undefined;
    },
    become(path, argv) {
      const words = argv.map(cString);
      symbols.execve(cString(path), pointersTo(words), environment());
    },
    becomeSubreaper: () => symbols.prctl(SET_CHILD_SUBREAPER, 1n, 0n, 0n, 0n) === 0,
  };
}

function cString(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(`${text}\0`);
}

/** A list of addresses with a null behind it. Valid as long as `strings` are held by the caller. */
function pointersTo(strings: readonly Uint8Array<ArrayBuffer>[]): BigUint64Array<ArrayBuffer> {
  const list = new BigUint64Array(strings.length + 1);
  strings.forEach((bytes, index) => list[index] = BigInt(Deno.UnsafePointer.value(Deno.UnsafePointer.of(bytes))));
  return list;
}
