import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";

import { createTestAgent } from "../../../core/testing/mod.ts";
import desktop from "../mod.ts";

const STAND_IN = fromFileUrl(new URL("testdata", import.meta.url));
const SOCKETS = "/tmp/.X11-unix";

/** Listens as an X server does, on the first display above those that are in use. */
async function silentServer() {
  await Deno.mkdir(SOCKETS, { recursive: true });
  for (let display = 4000;; display++) {
    try {
      return { display, listener: Deno.listen({ transport: "unix", path: `${SOCKETS}/X${display}` }) };
    } catch (error) {
      if (!(error instanceof Deno.errors.AddrInUse)) throw error;
    }
  }
}

Deno.test("a start whose X server accepts and does not answer ends in time, with everything that was started", async () => {
  const { display, listener } = await silentServer();
  const accepting = listener.accept();
  const agent = await createTestAgent({
    plugins: [desktop],
    config: { desktop: { driver: "native", startMs: 1000 } },
    env: { PATH: `${STAND_IN}:/usr/bin:/bin`, HOME: "/tmp", STAND_IN_DISPLAY: String(display) },
  });
  try {
    const asking = agent.post("/api/v0/desktop/action", { action: "screenshot" });
    using _connection = await accepting;
    await agent.clock.advance(1000);
    const response = await asking;

    assertEquals(response.status, 500);
    assertStringIncludes((await response.json()).detail, "deadline is 1000 ms");
  } finally {
    listener.close();
    await agent[Symbol.asyncDispose]();
    await Deno.remove(`${SOCKETS}/X${display}`).catch(() => {}); // The listener has removed it.
  }
});
