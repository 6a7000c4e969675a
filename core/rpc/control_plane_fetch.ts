/**
 * Plain HTTP requests to the control plane, beside the connection.
 *
 * @module
 */
import { messageOf, RpcUnavailableError } from "../errors.ts";
import type { Rpc } from "../plugin.ts";
import type { ControlPlaneAddress } from "./control_plane_address.ts";

/** Header that carries the agent's token. */
export const TOKEN_HEADER = "Coder-Session-Token";

/** Makes `ctx.rpc.fetch` for one control plane. */
export function controlPlaneFetch(address: ControlPlaneAddress): Rpc["fetch"] {
  return async (path, init = {}) => {
    try {
      const headers = new Headers(await address.headers());
      for (const [name, value] of new Headers(init.headers)) headers.set(name, value);
      headers.set(TOKEN_HEADER, await address.token());
      // A redirect would carry the token to wherever it points.
      return await fetch(address.url.replace(/\/+$/, "") + path, { ...init, headers, redirect: "manual" });
    } catch (error) {
      init.signal?.throwIfAborted();
      throw new RpcUnavailableError(path, "disconnected", messageOf(error), { cause: error });
    }
  };
}

/** Makes `ctx.rpc.token` for one control plane. */
export function controlPlaneToken(address: ControlPlaneAddress): Rpc["token"] {
  return async () => {
    try {
      return await address.token();
    } catch (error) {
      throw new RpcUnavailableError("token", "disconnected", messageOf(error), { cause: error });
    }
  };
}
