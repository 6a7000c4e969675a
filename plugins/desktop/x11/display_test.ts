import { assertRejects } from "@std/assert";

import { X11ClosedError, type X11Connection } from "./connection.ts";
import { Display } from "./display.ts";

const QUERY_EXTENSION = 98;
const GET_PROPERTY = 20;

/** A server that has XTEST, and goes away when it is asked for a property. */
function leavingServer(): X11Connection {
  const closed = Promise.withResolvers<void>();
  const answer = new DataView(new ArrayBuffer(32));
  answer.setUint8(8, 1);
  const connection = {
    screen: { root: 1, width: 1, height: 1, depth: 24, minKeycode: 8, maxKeycode: 255, maxRequestUnits: 65535 },
    closed: closed.promise,
    onEvent: () => {},
    send: () => {},
    sync: () => Promise.resolve(),
    request([opcode]: Uint8Array) {
      if (opcode !== GET_PROPERTY) {
        return Promise.resolve(opcode === QUERY_EXTENSION ? answer : new DataView(new ArrayBuffer(32)));
      }
      closed.resolve();
      return Promise.reject(new X11ClosedError());
    },
  };
  return connection as unknown as X11Connection;
}

Deno.test("Display.untilProperty() rejects once when the server goes away, and leaves no rejection behind", async () => {
  const display = await Display.on(leavingServer(), 0);

  await assertRejects(() => display.untilProperty("_NET", new AbortController().signal), X11ClosedError);

  await new Promise((resolve) => setImmediate(resolve)); // An unhandled rejection fails the test here.
});
