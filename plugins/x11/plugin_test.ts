import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { conformance, createTestAgent, fake, type TestAgent } from "../../core/testing/mod.ts";
import { type X11Connection, type X11Forwarder, X11Requests, type X11Session } from "../ssh/service.ts";
import x11 from "./mod.ts";
import { decodeRecords } from "./xauthority_records.ts";

const PROTOCOL = "MIT-MAGIC-COOKIE-1";
const COOKIE = "00112233445566778899aabbccddeeff";
/** Displays of one range. */
const RANGE = 5;

conformance(x11, { services: [fake(X11Requests, { take: () => ({ [Symbol.dispose]: () => {} }) })] });

/** An agent with the plugin and a stand-in for ssh, in a home of its own, on ports that are free now. */
async function withDisplays(
  fn: (
    world: { readonly agent: TestAgent; readonly home: string; readonly first: number; open: Open },
  ) => Promise<void>,
  settings: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const home = await Deno.makeTempDir();
  const first = await freeRange(RANGE);
  let forwarder: X11Forwarder | undefined;
  const take = (taken: X11Forwarder) => {
    forwarder = taken;
    return { [Symbol.dispose]: () => {} };
  };
  {
    await using agent = await createTestAgent({
      plugins: [x11],
      services: [fake(X11Requests, { take })],
      config: { x11: { displayOffset: first, maxPort: 6000 + first + RANGE - 1, ...settings } },
      env: { HOME: home },
    });
    await fn({ agent, home, first, open: (session) => forwarder!.open(session) });
  }
  await Deno.remove(home, { recursive: true });
}

type Open = (session: X11Session) => Promise<string>;

/** A session that keeps what it was asked to carry, and answers each connection with `hello`. */
class FakeSession implements X11Session {
  readonly carried: X11Connection[] = [];
  readonly left = new AbortController();
  readonly disconnected = this.left.signal;
  isClosed = false;

  constructor(readonly request = { single: false, protocol: PROTOCOL, cookie: COOKIE, screen: 0 }) {}

  async carry(connection: X11Connection): Promise<void> {
    this.carried.push(connection);
    await connection.socket.write(new TextEncoder().encode("hello"));
    connection.socket.close();
  }

  close(): void {
    this.isClosed = true;
  }
}

/**
 * First of several displays in a row on whose ports nobody listens. They are asked, not bound: a port that was bound stays
 * taken for a moment after its close, while children that other tests start in that moment still hold a copy.
 */
async function freeRange(count: number): Promise<number> {
  while (true) {
    // Below the ports that the system hands out.
    const first = 2000 + Math.floor(Math.random() * 23_000);
    const taken = await Promise.all(Array.from({ length: count }, (_, n) => isTaken(6000 + first + n)));
    if (!taken.includes(true)) return first;
  }
}

async function isTaken(port: number): Promise<boolean> {
  try {
    (await Deno.connect({ hostname: "127.0.0.1", port })).close();
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.ConnectionRefused);
  }
}

/** From now on a port can be bound once only, as when a child holds a copy of each that was closed. */
function portsBoundOnce(): Disposable {
  const { listen } = Deno;
  const bound = new Set<string>();
  Deno.listen = ((options: Deno.TcpListenOptions) => {
    const listener = bindOnce(options);
    bound.add(`${options.hostname}:${options.port}`);
    return listener;
  }) as typeof Deno.listen;
  function bindOnce(options: Deno.TcpListenOptions): Deno.TcpListener {
    if (bound.has(`${options.hostname}:${options.port}`)) throw new Deno.errors.AddrInUse("a child holds it");
    return listen(options);
  }
  return { [Symbol.dispose]: () => void (Deno.listen = listen) };
}

function displayOf(value: string): number {
  return Number(/^localhost:(\d+)\./.exec(value)?.[1]);
}

/** What an X program says first. */
function setup(cookie: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(12 + 20 + 16);
  bytes.set([0x6c, 0, 11, 0, 0, 0, PROTOCOL.length, 0, 16, 0]);
  bytes.set(new TextEncoder().encode(PROTOCOL), 12);
  bytes.set(Uint8Array.from(cookie.match(/../g)!, (pair) => parseInt(pair, 16)), 32);
  return bytes;
}

/** Connects as an X program, and reads until it is let go. */
async function program(display: number, cookie = COOKIE, hostname = "127.0.0.1"): Promise<Uint8Array> {
  const socket = await Deno.connect({ hostname, port: 6000 + display });
  await socket.write(setup(cookie));
  return await new Response(socket.readable).bytes();
}

/**
 * Nobody listens for this display any more: a program is refused. Or it is reset, while a child that another test starts in
 * this moment still holds a copy of the closed port, or when it came in the moment of closing.
 */
async function assertClosed(display: number): Promise<void> {
  const error = await assertRejects(() => program(display), Error);
  const { ConnectionRefused, ConnectionReset } = Deno.errors;
  assert(error instanceof ConnectionRefused || error instanceof ConnectionReset, String(error));
}

async function cookies(home: string): Promise<string[]> {
  const records = decodeRecords(await Deno.readFile(join(home, ".Xauthority")));
  return records.map(({ display }) => new TextDecoder().decode(display));
}

async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  while (!await condition()) await new Promise((resolve) => setImmediate(resolve));
}

Deno.test("a session gets a display with its screen, its cookie and its bytes, and all goes with its connection", () =>
  withDisplays(async ({ agent, home, first, open }) => {
    const session = new FakeSession({ single: false, protocol: PROTOCOL, cookie: COOKIE, screen: 3 });

    const value = await open(session);

    assertEquals(value, `localhost:${first}.3`);
    assertEquals(await cookies(home), [String(first)]);
    assertEquals(new TextDecoder().decode(await program(first)), "hello");
    const [{ head, originator } = { head: undefined, originator: undefined }] = session.carried;
    assertEquals(head, setup(COOKIE));
    assertEquals(originator, { address: "127.0.0.1", port: 6000 + first });
    assertEquals(await agent.metric("agent_x11_displays"), 1);
    session.left.abort();
    await until(async () => (await cookies(home)).length === 0);
    await assertClosed(first);
    assertEquals(await agent.metric("agent_x11_displays"), 0);
  }));

Deno.test("a program without the cookie is told so and reaches nobody, also on a display for one connection", () =>
  withDisplays(async ({ agent, open }) => {
    const session = new FakeSession({ single: true, protocol: PROTOCOL, cookie: COOKIE, screen: 0 });
    const display = displayOf(await open(session));

    const answer = await program(display, COOKIE.replace("00", "01"));
    const silent = await Deno.connect({ hostname: "127.0.0.1", port: 6000 + display });
    silent.close();
    await until(async () => await agent.metric("agent_x11_refused_connections_total", { reason: "cookie" }) === 2);

    assertEquals(answer[0], 0);
    assertStringIncludes(new TextDecoder().decode(answer), "The cookie for this display is missing or wrong");
    assertEquals(session.carried.length, 0);
    assertEquals(new TextDecoder().decode(await program(display)), "hello");
    await until(async () => await agent.metric("agent_x11_displays") === 0);
    await assertClosed(display);
    assertEquals(session.isClosed, false);
  }));

Deno.test("a program that says nothing is let go after 30 s", () =>
  withDisplays(async ({ agent, open }) => {
    const display = displayOf(await open(new FakeSession()));
    const socket = await Deno.connect({ hostname: "127.0.0.1", port: 6000 + display });
    await agent.clock.untilSleeping();

    await agent.clock.advance(30_000);

    assertEquals(await socket.read(new Uint8Array(1)), null);
    socket.close();
  }));

Deno.test("when every port is taken, and only then, the display used least recently goes, and its session with it", () =>
  withDisplays(async ({ agent, home, first, open }) => {
    // One port of the range belongs to another program.
    const foreign = Deno.listen({ hostname: "127.0.0.1", port: 6000 + first + 1 });
    const sessions = Array.from({ length: RANGE - 1 }, () => new FakeSession());
    const displays: number[] = [];
    for (const session of sessions) displays.push(displayOf(await open(session)));
    assertEquals(displays, [0, 2, 3, 4].map((n) => first + n));
    assertEquals(await agent.metric("agent_x11_evictions_total"), 0);
    await program(displays[0]!);

    const last = displayOf(await open(new FakeSession()));

    assertEquals(last, first + 2);
    assertEquals(sessions.map(({ isClosed }) => isClosed), [false, true, false, false]);
    assertEquals(new TextDecoder().decode(await program(displays[0]!)), "hello");
    await until(async () => (await cookies(home)).length === RANGE - 1);
    assertEquals(await agent.metric("agent_x11_evictions_total"), 1);
    foreign.close();
  }));

Deno.test("an eviction costs one session: its ports change hands as they are, with who is connected already", () =>
  withDisplays(async ({ agent, home, first, open }) => {
    using _ports = portsBoundOnce();
    const old = new FakeSession();
    const held = Promise.withResolvers<X11Connection>();
    old.carry = (connection) => {
      held.resolve(connection);
      return connection.socket.readable.pipeTo(connection.socket.writable);
    };
    const rest = Array.from({ length: RANGE - 1 }, () => new FakeSession());
    for (const session of [old, ...rest]) await open(session);
    using connected = await Deno.connect({ hostname: "127.0.0.1", port: 6000 + first });
    await connected.write(setup(COOKIE));
    await held.promise;
    // Used since: the first one is the next to go.
    for (let n = 1; n < RANGE; n++) await program(first + n);

    const cookie = COOKIE.replaceAll("0", "f");
    const next = new FakeSession({ single: false, protocol: PROTOCOL, cookie, screen: 0 });
    assertEquals(displayOf(await open(next)), first);

    assertEquals([old, ...rest, next].map(({ isClosed }) => isClosed), [true, ...rest.map(() => false), false]);
    assertEquals(await agent.metric("agent_x11_evictions_total"), 1);
    assertEquals(await agent.metric("agent_x11_displays"), RANGE);
    old.left.abort();
    assertEquals(new TextDecoder().decode(await program(first, cookie)), "hello");
    assertEquals((await program(first, COOKIE))[0], 0);
    await connected.write(Uint8Array.of(7));
    const answer = new Uint8Array(1);
    await connected.read(answer);
    assertEquals(answer, Uint8Array.of(7));
    next.left.abort();
    await until(async () => !(await cookies(home)).includes(String(first)));
    await assertClosed(first);
  }));

Deno.test("a display that had its one connection has no ports to give, and its session is not the one that ends", () =>
  withDisplays(async ({ agent, first, open }) => {
    using _ports = portsBoundOnce();
    const single = new FakeSession({ single: true, protocol: PROTOCOL, cookie: COOKIE, screen: 0 });
    const rest = Array.from({ length: RANGE - 1 }, () => new FakeSession());
    const opened = Promise.withResolvers<string>();
    single.carry = async ({ socket }) => {
      opened.resolve(open(new FakeSession())); // Its ports are being closed.
      await opened.promise;
      socket.close();
    };
    for (const session of [single, ...rest]) await open(session);

    await program(first);

    assertEquals(displayOf(await opened.promise), first + 1);
    assertEquals([single, ...rest].map(({ isClosed }) => isClosed), [false, true, false, false, false]);
    assertEquals(await agent.metric("agent_x11_evictions_total"), 1);
  }));

Deno.test("the new cookie of a display that changed hands is not taken away with the old one", () =>
  withDisplays(async ({ home, open }) => {
    const other = COOKIE.replaceAll("0", "f");
    const [old, ...rest] = Array.from({ length: RANGE }, () => new FakeSession());
    for (const session of [old!, ...rest]) await open(session);

    const next = new FakeSession({ single: false, protocol: PROTOCOL, cookie: other, screen: 0 });
    const display = displayOf(await open(next));
    old!.left.abort();

    await program(display, other);
    const records = decodeRecords(await Deno.readFile(join(home, ".Xauthority")));
    assertEquals(records.length, RANGE);
    assert(records.some(({ cookie }) => cookie[0] === 0xff));
  }));

Deno.test("a range that belongs to other programs is named, counted, and makes the plugin say that it is limited", () =>
  withDisplays(async ({ agent, first, open }) => {
    const foreign = Array.from(
      { length: RANGE },
      (_, n) => Deno.listen({ hostname: "127.0.0.1", port: 6000 + first + n }),
    );

    await assertRejects(() => open(new FakeSession()), Error, "every port from");
    assertEquals(await agent.metric("agent_x11_handler_errors_total", { error_type: "listen" }), 1);
    assertStringIncludes(agent.health("x11").reason ?? "", "displays cannot be opened");
    for (const listener of foreign) listener.close();
    await open(new FakeSession());

    assertEquals(agent.health("x11"), { ok: true });
  }));

Deno.test("a cookie file that cannot be used is named, and the port is free again", () =>
  withDisplays(async ({ agent, home, first, open }) => {
    await Deno.writeTextFile(join(home, ".Xauthority"), "no cookies");

    await assertRejects(() => open(new FakeSession()), Error, "Cannot forward X11: Cannot use");

    assertEquals(await agent.metric("agent_x11_handler_errors_total", { error_type: "xauthority" }), 1);
    await assertClosed(first);
    assertEquals(await agent.metric("agent_x11_displays"), 0);
  }));

Deno.test("a cookie that is none is refused, which is no fault of the plugin", () =>
  withDisplays(async ({ agent, open }) => {
    for (const cookie of ["", "0", "zz", "00".repeat(1025)]) {
      const request = { single: false, protocol: PROTOCOL, cookie, screen: 0 };
      await assertRejects(() => open(new FakeSession(request)), SyntaxError, "hexadecimal");
    }
    assertEquals(agent.health("x11"), { ok: true });
  }));

Deno.test("connections over the limit are closed", () =>
  withDisplays(async ({ agent, open }) => {
    const display = displayOf(await open(new FakeSession()));
    const waiting = await Deno.connect({ hostname: "127.0.0.1", port: 6000 + display });
    await until(async () => await agent.metric("agent_x11_connections") === 1);

    assertEquals((await program(display)).length, 0);

    assertEquals(await agent.metric("agent_x11_refused_connections_total", { reason: "limit" }), 1);
    waiting.close();
    await until(async () => await agent.metric("agent_x11_connections") === 0);
  }, { maxConnections: 1 }));

Deno.test("stopping closes displays and connections, and takes the cookies back", async () => {
  let home = "";
  await withDisplays(async (world) => {
    home = world.home;
    const display = displayOf(await world.open(new FakeSession()));
    const waiting = await Deno.connect({ hostname: "127.0.0.1", port: 6000 + display });
    await until(async () => await world.agent.metric("agent_x11_connections") === 1);

    const report = await world.agent.stop();

    assertEquals(report.unfinished, []);
    assertEquals(await cookies(home), []);
    assertEquals(await waiting.read(new Uint8Array(1)), null);
    waiting.close();
  });
});

Deno.test("a range without a port is refused with the configuration", async () => {
  await assertRejects(
    () => createTestAgent({ plugins: [x11], config: { x11: { displayOffset: 300 } } }),
    Error,
    "the first display, 300, has port 6300",
  );
});
