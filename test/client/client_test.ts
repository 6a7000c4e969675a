/**
 * The client passes one suite on Deno, on Node and in a browser.
 *
 * @module
 */
import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import { unixTransport } from "../../client/deno.ts";
import { connect, httpTransport, OutpostApiError } from "../../client/mod.ts";
import { bundle } from "./bundle.ts";
import { openChromium } from "./headless_chromium.ts";
import { serveAgent } from "./served_agent.ts";
import { SUITE } from "./suite.ts";

const ALL_PASSED = { passed: SUITE.length, failed: [] };

Deno.test("the client on Deno, over TCP", async (t) => {
  await using agent = await serveAgent();
  for (const { name, run } of SUITE) {
    await t.step(name, () => run({ transport: httpTransport(agent), home: agent.home }));
  }
});

Deno.test("the client on Deno, over the Unix socket", async (t) => {
  await using agent = await serveAgent();
  using transport = unixTransport(agent.socketPath);
  for (const { name, run } of SUITE) await t.step(name, () => run({ transport, home: agent.home }));
});

Deno.test("the client on Node passes the suite over TCP and over the Unix socket", async () => {
  await using agent = await serveAgent();
  const script = join(agent.home, "suite.mjs");
  await Deno.writeTextFile(script, await bundle("test/client/node_entry.ts", "deno"));

  const { code, stdout, stderr } = await new Deno.Command("node", {
    args: ["--experimental-websocket", script, agent.baseUrl, agent.token, agent.socketPath, agent.home],
    stdin: "null",
  }).output();

  assertEquals(code, 0, new TextDecoder().decode(stderr));
  assertEquals(JSON.parse(new TextDecoder().decode(stdout)), [ALL_PASSED, ALL_PASSED]);
});

Deno.test("the client in Chromium passes the suite with the session of a sign-in link", async () => {
  await using agent = await serveAgent(await bundle("test/client/browser_entry.ts"));
  const { url } = await connect(agent).link();
  await using page = await openChromium();
  await page.open(url);
  await page.open(`${agent.baseUrl}/api/v0/page`);

  const result = await page.evaluate(`runClientSuite(${JSON.stringify(agent.home)})`);

  assertEquals(result, ALL_PASSED);
});

Deno.test("the client is refused without a token", async () => {
  await using agent = await serveAgent();

  const error = await connect({ baseUrl: agent.baseUrl }).info().catch((thrown: unknown) => thrown);

  assertEquals(error instanceof OutpostApiError && [error.status, error.code], [401, "unauthorized"]);
});
