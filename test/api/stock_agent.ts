/**
 * The stock agent for tests of its API: every standard plugin, children that find no programs, and a folder of its own.
 *
 * @module
 */
import type { ApiDocument } from "../../core/http/api_document.ts";
import { createTestAgent, type TestAgent } from "../../core/testing/mod.ts";
import { standardPlugins } from "../../plugins/standard.ts";

/** Starts it. The folder is its home and the default directory of its children. */
export async function startStockAgent(): Promise<
  { readonly agent: TestAgent; readonly home: string } & AsyncDisposable
> {
  const home = await Deno.makeTempDir({ prefix: "outpost-api-" });
  const agent = await createTestAgent({
    plugins: standardPlugins,
    time: "real",
    ignoreErrors: true,
    env: { PATH: "/usr/bin:/bin", HOME: home },
  });
  return {
    agent,
    home,
    async [Symbol.asyncDispose]() {
      await agent[Symbol.asyncDispose]();
      await Deno.remove(home, { recursive: true });
    },
  };
}

/** What the agent says about its API. */
export async function documentOf(agent: TestAgent): Promise<ApiDocument> {
  return await (await agent.get("/api/v0/openapi.json")).json();
}
