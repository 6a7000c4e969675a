/**
 * How dRPC calls fail.
 *
 * @module
 */

/** Code that says that a server does not have the method. */
export const UNIMPLEMENTED = 12n;

/** The other side answered a call with an error. Throw it in a handler to choose what the caller sees. */
export class RpcError extends Error {
  override readonly name = "RpcError";
  readonly code = "rpc_error";

  /**
   * @param message The error's text, which travels unchanged.
   * @param remoteCode Number that travels with it, 0 to 2^64 - 1; 0 means none.
   */
  constructor(message: string, readonly remoteCode: bigint = 0n, options?: ErrorOptions) {
    super(message, options);
  }
}

/** The other side broke the protocol; the connection was closed. */
export class DrpcProtocolError extends Error {
  override readonly name = "DrpcProtocolError";
  readonly code = "drpc_protocol_error";
}

/** The call was cancelled, here or by the other side. */
export class CallCanceledError extends Error {
  override readonly name = "CallCanceledError";
  readonly code = "rpc_canceled";

  constructor(message = "The call was cancelled", options?: ErrorOptions) {
    super(message, options);
  }
}

/** The transport ended or broke while a call was open, or the stream was closed. */
export class CallClosedError extends Error {
  override readonly name = "CallClosedError";
  readonly code = "rpc_closed";
}

/** Encodes an error as the payload of an error packet. */
export function encodeError(error: unknown): Uint8Array<ArrayBuffer> {
  const text = new TextEncoder().encode(error instanceof Error ? error.message : String(error));
  const payload = new Uint8Array(8 + text.length);
  new DataView(payload.buffer).setBigUint64(0, BigInt.asUintN(64, codeOf(error)));
  payload.set(text, 8);
  return payload;
}

/** Decodes the payload of an error packet. */
export function decodeError(payload: Uint8Array): RpcError {
  if (payload.length < 8) {
    return new RpcError(`${new TextDecoder().decode(payload)} (the error data was too short)`);
  }
  const code = new DataView(payload.buffer, payload.byteOffset, payload.byteLength).getBigUint64(0);
  return new RpcError(new TextDecoder().decode(payload.subarray(8)), code);
}

/** Longest chain of causes that is searched. */
const MAX_CAUSES = 100;

/** The code an error carries, itself or through its causes; 0 when none does. */
export function codeOf(error: unknown): bigint {
  let current = error;
  for (let depth = 0; depth < MAX_CAUSES && current instanceof Error; depth++) {
    if (current instanceof RpcError && current.remoteCode !== 0n) return current.remoteCode;
    current = current.cause;
  }
  return 0n;
}
