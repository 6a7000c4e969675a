import { assertEquals } from "@std/assert";
import { connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";

import type { LibraryConnection } from "./ssh2_shape.ts";
import { writeWholePackets } from "./whole_packets.ts";

Deno.test("writeWholePackets() hands over at once what is written in one turn, and keeps the order", async () => {
  const written: string[][] = [];
  const server = createServer();
  const accepted = new Promise<Socket>((resolve) => server.once("connection", resolve));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const client = connect((server.address() as { port: number }).port, "127.0.0.1");
  const socket = await accepted;
  const writev = socket._writev!.bind(socket);
  socket._writev = (chunks: { chunk: Uint8Array }[], done: () => void) => {
    written.push(chunks.map(({ chunk }) => new TextDecoder().decode(chunk)));
    writev(chunks as never, done);
  };
  let text = "";
  client.on("data", (bytes: Uint8Array) => text += new TextDecoder().decode(bytes));
  const encoder = new TextEncoder();
  const library = {
    _sock: socket as Duplex,
    _protocol: { _onWrite: (bytes: Uint8Array) => void socket.write(bytes) },
  } as unknown as LibraryConnection;

  writeWholePackets(library);
  for (const part of ["length ", "content ", "check "]) library._protocol._onWrite(encoder.encode(part));
  await Promise.resolve();
  for (const part of ["next ", "packet"]) library._protocol._onWrite(encoder.encode(part));
  const ended = new Promise((resolve) => client.once("close", resolve));
  socket.end();
  await ended;
  await new Promise((resolve) => server.close(resolve));

  assertEquals(text, "length content check next packet");
  assertEquals(written[0], ["length ", "content ", "check "]);
});
