/**
 * The desktop as a service for other plugins.
 *
 * @module
 */
import { z } from "zod";

import { HttpProblem } from "../../core/errors.ts";
import { actionRequest } from "./action_request.ts";
import type { Desktop } from "./desktop.ts";
import { DesktopHeldError } from "./lease.ts";
import type { DesktopActions } from "./service.ts";

/** Serves other plugins with what the routes work on. @param stopping Aborted when the agent begins to stop. */
export function desktopActions(open: () => Promise<Desktop>, stopping: AbortSignal): DesktopActions {
  return {
    async act(request, { chat, signal }) {
      const desktop = await open();
      const session = await desktop.start();
      const parsed = actionRequest.safeParse(request);
      if (!parsed.success) throw new HttpProblem(400, "Invalid action", { detail: z.prettifyError(parsed.error) });
      const caller = { name: chat?.chatId ?? "", signal: AbortSignal.any([signal, stopping]) };
      try {
        return await desktop.act(session, parsed.data, caller);
      } catch (error) {
        if (!(error instanceof DesktopHeldError)) throw error;
        throw new HttpProblem(423, "A person holds the desktop", {
          code: error.code,
          detail: error.message,
          cause: error,
        });
      }
    },
  };
}
