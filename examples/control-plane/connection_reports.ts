/**
 * What agents say about the sessions of people: who came, when, and how it ended.
 *
 * @module
 */
import { type Connection, Connection_Action, Connection_Type } from "../../core/proto/gen/agent_pb.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import type { EventKinds } from "./store.ts";
import { timeText } from "./timestamps.ts";
import { NIL_UUID, uuidText } from "./uuid.ts";

const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/;

/** Reads a report. @throws {RpcError} When it has no usable id or action. */
export function readConnection(connection: Connection | undefined, nowMs: number): EventKinds["connection"] {
  const id = uuidText(connection?.id ?? new Uint8Array());
  if (connection === undefined || id === undefined || id === NIL_UUID) {
    throw new RpcError("connection id is missing or not a UUID");
  }
  const { action, type, timestamp, ip, statusCode, reason } = connection;
  const isEnd = action === Connection_Action.DISCONNECT;
  if (!isEnd && action !== Connection_Action.CONNECT) {
    throw new RpcError(`connection action ${action} is neither connect nor disconnect`);
  }
  return {
    id,
    action: isEnd ? "disconnect" : "connect",
    type: (Connection_Type[type] ?? "TYPE_UNSPECIFIED").toLowerCase(),
    time: timeText(timestamp, nowMs),
    ip: readIp(ip),
    ...(isEnd ? { statusCode } : {}),
    ...(reason === undefined || reason === "" ? {} : { reason }),
  };
}

/** An address, or `null` for what is none: agents do not always know it, and that is no error. */
function readIp(text: string): string | null {
  if (text === "localhost") return "127.0.0.1";
  if (IPV4.test(text)) return text;
  return text.includes(":") && URL.canParse(`http://[${text}]/`) ? text : null;
}
