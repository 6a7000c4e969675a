/**
 * The stock agent on TCP and on a Unix socket, with a plugin that serves a page to browsers.
 *
 * @module
 */
import { join } from "@std/path";

import { definePlugin, type Plugin } from "../../core/plugin.ts";
import { createTestAgent } from "../../core/testing/mod.ts";
import { standardPlugins } from "../../plugins/standard.ts";

/** An agent that listens. */
export interface ServedAgent extends AsyncDisposable {
  readonly baseUrl: string;
  readonly token: string;
  readonly socketPath: string;
  /** Folder for the suite's files. */
  readonly home: string;
}

/** What the page may do: load its own script and talk to its own agent. */
const PAGE_POLICY = "default-src 'none'; script-src 'self'; connect-src 'self'";

/** Starts it. `script` is what the page at `/api/v0/page` loads. */
export async function serveAgent(script = ""): Promise<ServedAgent> {
  const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "outpost-client-" }));
  const socketPath = join(home, "agent.sock");
  const token = "token-of-the-client-suite";
  const agent = await createTestAgent({
    plugins: [...standardPlugins, page(script)],
    agent: { listen: { tcp: "127.0.0.1:0", unix: socketPath }, token },
    time: "real",
    // Clients that go away in the middle are part of the suite.
    ignoreErrors: true,
    env: { PATH: "/usr/bin:/bin", HOME: home },
  });
  return {
    baseUrl: agent.agent.addresses.http!,
    token,
    socketPath,
    home,
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      await Deno.remove(home, { recursive: true });
    },
  };
}

function page(script: string): Plugin {
  return definePlugin({
    id: "page",
    version: "1.0.0",
    api: 1,
    stability: "experimental",
    summary: "Serves a page that uses the client.",
    setup(ctx) {
      ctx.routes.app.get(
        "/",
        (c) =>
          c.html('<!doctype html><script type="module" src="/api/v0/page/script.js"></script>', 200, {
            "content-security-policy": PAGE_POLICY,
          }),
      );
      ctx.routes.app.get(
        "/script.js",
        (c) => c.body(script, 200, { "content-type": "text/javascript", "content-security-policy": PAGE_POLICY }),
      );
    },
  });
}
