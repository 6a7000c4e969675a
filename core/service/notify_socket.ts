/**
 * Datagrams to the service manager's socket, which Deno's stable interface does not send.
 *
 * @see sd_notify(3), unix(7)
 * @module
 */

/** Sends one message. Throws when it cannot be sent. */
export type SendNotice = (message: string) => void;

/** Of glibc, which Deno's own executables need as well. */
const LIBRARY = "libc.so.6";
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_NONBLOCK = 0o4000;
const SOCK_CLOEXEC = 0o2000000;
/** Do not raise SIGPIPE. */
const MSG_NOSIGNAL = 0x4000;
/** Length of `sun_path`, in bytes. */
const MAX_PATH_BYTES = 108;

const SYMBOLS = {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  sendto: { parameters: ["i32", "buffer", "usize", "i32", "buffer", "u32"], result: "isize" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/**
 * Opens the way to `path`; one that begins with `@` is a name in the abstract namespace. Each message has a socket of its
 * own: there are few, and a manager that restarts needs no reconnecting. Never waits: a full queue is an error.
 *
 * @throws {RangeError} If the path is too long or not absolute.
 * @throws {Error} If the C library cannot be opened.
 */
export function openNotifySocket(path: string): SendNotice {
  const address = socketAddress(path);
  const { symbols } = Deno.dlopen(LIBRARY, SYMBOLS);
  return (message) => {
    const bytes = new TextEncoder().encode(message);
    const fd = symbols.socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) throw new Error("Cannot make a socket for the service manager");
    const sent = symbols.sendto(fd, bytes, BigInt(bytes.length), MSG_NOSIGNAL, address, address.length);
    symbols.close(fd);
    if (sent < 0n) throw new Error(`Cannot send to the service manager at "${path}"`);
  };
}

/** `struct sockaddr_un`: the family, then the path with its closing zero, or a zero and the abstract name. */
export function socketAddress(path: string): Uint8Array<ArrayBuffer> {
  const isAbstract = path.startsWith("@");
  if (!isAbstract && !path.startsWith("/")) {
    throw new RangeError(`The socket of the service manager is no absolute path: "${path}"`);
  }
  const name = new TextEncoder().encode(isAbstract ? `\0${path.slice(1)}` : `${path}\0`);
  if (name.length > MAX_PATH_BYTES) {
    throw new RangeError(
      `The path of the service manager's socket has ${name.length} bytes, at most ${MAX_PATH_BYTES} fit`,
    );
  }
  const address = new Uint8Array(2 + name.length);
  new DataView(address.buffer).setUint16(0, AF_UNIX, true);
  address.set(name, 2);
  return address;
}
