/**
 * Finds out whether a forwarded connection leads to a JetBrains back end. Its clients open very many sessions, so that people
 * are counted by their long-lived tunnels instead. Linux only: elsewhere nobody tells who listens on a port.
 *
 * @module
 */

/** Parts of command lines of JetBrains' programs in the workspace, in lower case. */
const MARKS = ["idea.vendor.name=jetbrains", "com.jetbrains.toolbox", "remote-dev-server"];
/** Value of `st` for a socket that listens, in `/proc/net/tcp`. */
const LISTENS = "0A";
/** Sockets remembered: a client opens many connections to few. */
const MAX_REMEMBERED = 64;

/** Looks listeners up. One per plugin. */
export class JetBrainsListeners {
  /** What was found, by the number of the socket. */
  readonly #found = new Map<string, boolean>();

  /** Whether a JetBrains program listens on a port of this machine. `false` when nobody can tell. Never rejects. */
  async has(port: number): Promise<boolean> {
    const socket = await listeningSocket(port);
    if (socket === undefined) return false;
    const known = this.#found.get(socket);
    if (known !== undefined) return known;
    const found = await isHeldByJetBrains(socket);
    if (this.#found.size >= MAX_REMEMBERED) this.#found.clear();
    this.#found.set(socket, found);
    return found;
  }
}

/** Number of the socket that listens on the port; one for IPv4 counts first. */
async function listeningSocket(port: number): Promise<string | undefined> {
  const suffix = `:${port.toString(16).toUpperCase().padStart(4, "0")}`;
  for (const table of ["/proc/net/tcp", "/proc/net/tcp6"]) {
    const text = await Deno.readTextFile(table).catch(() => ""); // Not on this system.
    for (const line of text.split("\n").slice(1)) {
      const [, local = "", , state, , , , , , socket] = line.trim().split(/\s+/);
      if (state === LISTENS && local.endsWith(suffix)) return socket;
    }
  }
  return undefined;
}

async function isHeldByJetBrains(socket: string): Promise<boolean> {
  for await (const { name: pid } of Deno.readDir("/proc")) {
    if (!/^\d+$/.test(pid) || !await holds(pid, socket)) continue;
    const command = (await Deno.readTextFile(`/proc/${pid}/cmdline`).catch(() => "")).toLowerCase(); // It has ended.
    if (MARKS.some((mark) => command.includes(mark))) return true;
  }
  return false;
}

/** Other users' processes cannot be looked into; they are not ours either. */
async function holds(pid: string, socket: string): Promise<boolean> {
  try {
    for await (const { name } of Deno.readDir(`/proc/${pid}/fd`)) {
      const target = await Deno.readLink(`/proc/${pid}/fd/${name}`).catch(() => ""); // Closed meanwhile.
      if (target === `socket:[${socket}]`) return true;
    }
  } catch {
    // Ended, or of another user.
  }
  return false;
}
