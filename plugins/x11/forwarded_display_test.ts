import { assertEquals } from "@std/assert";

import type { Logger, Tasks } from "../../core/plugin.ts";
import { VirtualClock } from "../../core/testing/mod.ts";
import type { X11Session } from "../ssh/service.ts";
import { DisplayPorts } from "./display_ports.ts";
import { ForwardedDisplay } from "./forwarded_display.ts";

const LOG: Logger = { debug() {}, info() {}, warn() {}, error() {} };
/** What a program says that has no cookie at all. */
const SETUP = Uint8Array.of(0x6c, 0, 11, 0, 0, 0, 0, 0, 0, 0, 0, 0);

/** A program that said its words and is gone before it is answered. */
function goneProgram(): Deno.TcpConn {
  return {
    read(into: Uint8Array) {
      into.set(SETUP);
      return Promise.resolve(SETUP.length);
    },
    write: () => Promise.reject(new Deno.errors.BrokenPipe("it is gone")),
    close() {},
  } as unknown as Deno.TcpConn;
}

/** A listener to which exactly one program connects. */
function listenerFor(program: Deno.TcpConn): Deno.TcpListener {
  const closed = Promise.withResolvers<Deno.TcpConn>();
  const coming = [Promise.resolve(program), closed.promise];
  return {
    accept: () => coming.shift()!,
    close: () => closed.reject(new Deno.errors.BadResource("closed")),
  } as unknown as Deno.TcpListener;
}

Deno.test("ForwardedDisplay counts a program without the cookie once, also when it is gone before it is told so", async () => {
  const refused: string[] = [];
  const running: Promise<void>[] = [];
  let [admitted, left] = [0, 0];
  const tasks = {
    run: (_name: string, work: (signal: AbortSignal) => Promise<void>) =>
      void running.push(work(new AbortController().signal)),
  } as unknown as Tasks;
  const nothing = { inc() {}, add() {} };
  const display = new ForwardedDisplay({
    ports: new DisplayPorts(10, [listenerFor(goneProgram())]),
    session: { request: { single: false, protocol: "MIT-MAGIC-COOKIE-1", cookie: "00", screen: 0 } } as X11Session,
    cookie: Uint8Array.of(0),
    used: () => {},
  }, {
    clock: new VirtualClock(),
    log: LOG,
    tasks,
    metrics: {
      errors: nothing,
      evictions: nothing,
      refused: { inc: ({ reason }) => void refused.push(reason), add() {} },
    },
    admit: () => {
      admitted++;
      return () => left++;
    },
  });

  while (running.length === 0) await new Promise((resolve) => setImmediate(resolve));
  await Promise.all(running);
  display.closePorts();
  await display.freed;

  assertEquals([refused, admitted, left], [["cookie"], 1, 1]);
});
