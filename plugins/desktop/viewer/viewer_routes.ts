/**
 * Serves the page that shows the desktop, and noVNC for it.
 *
 * @module
 */
import type { Context, Hono } from "hono";

import { HttpProblem } from "../../../core/errors.ts";

/** Time a browser may keep noVNC's scripts, in seconds: they change with the agent's version only. */
const NOVNC_MAX_AGE = 3600;

const SCRIPT_TYPE = "text/javascript; charset=utf-8";

/** Registers the page's routes on `app`. What they serve is loaded when somebody asks. */
export function addViewerRoutes(app: Hono): void {
  app.get("/", (c) => {
    // The page's addresses are relative to its folder.
    if (!new URL(c.req.url).pathname.endsWith("/")) return c.body(null, 308, { location: "desktop/" });
    return page(c);
  });
  app.get("/:page{$}", page); // Empty: the address with a slash at its end.
  app.get("/viewer.js", async (c) => await serve(c, (await import("./page.ts")).SCRIPT, SCRIPT_TYPE));
  app.get("/viewer.css", async (c) => await serve(c, (await import("./page.ts")).STYLE, "text/css; charset=utf-8"));
  app.get("/novnc/*", async (c) => {
    const path = new URL(c.req.url).pathname.split("/novnc/")[1] ?? "";
    const script = await (await import("./novnc_files.ts")).readNoVncScript(path);
    if (script === undefined) throw new HttpProblem(404, `noVNC has no script "${path}"`);
    return await serve(c, script, SCRIPT_TYPE, `private, max-age=${NOVNC_MAX_AGE}`);
  });
}

async function page(c: Context): Promise<Response> {
  return await serve(c, (await import("./page.ts")).PAGE, "text/html; charset=utf-8");
}

async function serve(
  c: Context,
  body: string | Uint8Array<ArrayBuffer>,
  type: string,
  cache = "no-store",
): Promise<Response> {
  const { PAGE_POLICY } = await import("./page.ts");
  return c.body(body, 200, {
    "content-type": type,
    "cache-control": cache,
    "content-security-policy": PAGE_POLICY,
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
  });
}
