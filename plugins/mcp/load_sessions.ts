/**
 * Loads the sessions, and with them the SDK.
 *
 * @module
 */
import { evaluateCommonJs } from "../../core/common_js.ts";

/** What of the SDK is CommonJS, as it is used here. */
const COMMON_JS = ["ajv", "ajv-formats", "content-type"];

/**
 * Loads them: 30 MB and 200 ms, so whoever never asks does not pay.
 *
 * @param load Imports them; for tests.
 * @throws What the load throws; the next call tries again.
 */
export async function loadSessions(
  load: () => Promise<typeof import("./sessions.ts")> = () => import("./sessions.ts"),
): Promise<typeof import("./sessions.ts")> {
  await evaluateCommonJs("@modelcontextprotocol/sdk/server/index.js", COMMON_JS);
  return await load();
}
