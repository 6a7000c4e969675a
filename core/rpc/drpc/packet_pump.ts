/**
 * Reads packets from a transport for as long as it lasts.
 *
 * @module
 */
import type { ByteStream } from "../byte_stream.ts";
import { DrpcProtocolError } from "./error.ts";
import type { Packet } from "./packet.ts";
import { PacketReader, type PacketReaderOptions } from "./packet_reader.ts";

/** Empty reads in a row after which the transport is taken for broken. */
const MAX_EMPTY_READS = 100;

/**
 * Hands every packet to `take`, and waits whenever that returns a promise. Resolves at the end of the transport.
 *
 * @throws {DrpcProtocolError} When the bytes break a rule or end within a packet.
 * @throws {Error} What the transport failed with, or `take` threw.
 */
export async function pumpPackets(
  transport: ByteStream,
  take: (packet: Packet) => Promise<void> | undefined,
  options: PacketReaderOptions = {},
): Promise<void> {
  const reader = new PacketReader(options);
  let emptyReads = 0;
  for (let chunk = await transport.read(); chunk !== null; chunk = await transport.read()) {
    emptyReads = chunk.length === 0 ? emptyReads + 1 : 0;
    if (emptyReads >= MAX_EMPTY_READS) throw new DrpcProtocolError("Cannot read: the transport makes no progress");
    for (const packet of reader.push(chunk)) {
      const room = take(packet);
      if (room !== undefined) await room;
    }
  }
  if (!reader.isBetweenPackets) throw new DrpcProtocolError("protocol error: the connection ended within a packet");
}
