/**
 * Loads the package `ws`.
 *
 * @module
 */
// @ts-types="./ws.d.ts"
import type WebSocket from "ws";

import { loadCommonJs } from "../common_js.ts";

/** Loads it; at once after the first time. */
export async function loadWebSocket(): Promise<typeof WebSocket> {
  return await loadCommonJs("ws", () => {
    // @ts-types="./ws.d.ts"
    return import("ws");
  });
}
