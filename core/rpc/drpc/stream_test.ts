import { assertEquals } from "@std/assert";

import { bytePipe } from "../byte_pipe.ts";
import { DrpcClient } from "./client.ts";
import { encodeError, RpcError } from "./error.ts";
import { Kind } from "./packet.ts";
import { RawPeer } from "./raw_peer.ts";
import type { DrpcStream } from "./stream.ts";

/** What sending and receiving give after a stream was ended in some way. */
const TRANSITIONS: Readonly<
  Record<string, { end: (stream: DrpcStream, peer: RawPeer) => Promise<void>; send: string; receive: string }>
> = {
  "nothing": { end: () => Promise.resolve(), send: "ok", receive: "waits" },
  "the end of sending, from there": {
    end: (_stream, peer) => peer.send({ kind: Kind.closeSend }),
    send: "ok",
    receive: "end",
  },
  "close, from there": {
    end: (_stream, peer) => peer.send({ kind: Kind.close }),
    send: "Cannot send: the other side closed the stream",
    receive: "end",
  },
  "an error, from there": {
    end: (_stream, peer) => peer.send({ kind: Kind.error, data: encodeError(new RpcError("no luck", 3n)) }),
    send: "Cannot send: the other side ended the stream",
    receive: "no luck",
  },
  "cancel, from there": {
    end: (_stream, peer) => peer.send({ kind: Kind.cancel, control: true }),
    send: "Cannot send: the other side ended the stream",
    receive: "The call was cancelled",
  },
  "the end of the transport": {
    end: (_stream, peer) => Promise.resolve(peer.close()),
    send: "Cannot use the connection: the other side ended it",
    receive: "Cannot use the connection: the other side ended it",
  },
  "the end of sending, from here": {
    end: (stream) => stream.closeSend(),
    send: "Cannot send: sending was closed",
    receive: "waits",
  },
  "the end of sending, from both": {
    end: async (stream, peer) => {
      await stream.closeSend();
      await peer.send({ kind: Kind.closeSend });
    },
    send: "Cannot send: sending was closed",
    receive: "end",
  },
  "close, from here": {
    end: (stream) => stream.close(),
    send: "Cannot use the stream: it was closed",
    receive: "Cannot use the stream: it was closed",
  },
  "an error, from here": {
    end: (stream) => stream.sendError(new Error("no")),
    send: "Cannot send: the other side ended the stream",
    receive: "Cannot receive: the stream was ended with an error",
  },
  "cancel, from here": {
    end: (stream) => stream.sendCancel(new Error("not needed")),
    send: "not needed",
    receive: "not needed",
  },
};

for (const [name, { end, send, receive }] of Object.entries(TRANSITIONS)) {
  Deno.test(`after ${name}, sending gives "${send}" and receiving gives "${receive}"`, async () => {
    const [ours, theirs] = bytePipe();
    const client = new DrpcClient(ours);
    const peer = new RawPeer(theirs);
    const stream = await client.openStream("/a.B/C") as DrpcStream;
    await stream.send(new Uint8Array(1));

    await end(stream, peer);
    await settle();

    assertEquals([await outcome(stream.send(new Uint8Array(1))), await outcome(stream.receive())], [send, receive]);
    client.close();
  });
}

Deno.test("messages that came before the end are read before it, whatever the end was", async () => {
  for (const kind of [Kind.closeSend, Kind.close, Kind.error]) {
    const [ours, theirs] = bytePipe();
    const client = new DrpcClient(ours);
    const peer = new RawPeer(theirs);
    const stream = await client.openStream("/a.B/C");
    await stream.send(new Uint8Array(1));

    await peer.send({ kind: Kind.message, data: Uint8Array.of(1) }, { kind: Kind.message, data: Uint8Array.of(2) }, {
      kind,
    });
    await settle();

    assertEquals([await stream.receive(), await stream.receive()], [Uint8Array.of(1), Uint8Array.of(2)]);
    await stream.close();
    client.close();
  }
});

async function outcome(result: Promise<unknown>): Promise<string> {
  const said = result.then((value) => value === null ? "end" : "ok", (error) => (error as Error).message);
  return await Promise.race([said, settle().then(() => "waits")]);
}

/** Lets everything run that can run now. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve));
}
