/** The session that docs/attached_plugins.md shows, typed into a real agent. */
import { TextLineStream } from "@std/streams";
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";

import { TestAgent } from "../core/testing/mod.ts";
import { ROOT } from "./agent_process.ts";

const PAGE = await Deno.readTextFile(join(ROOT, "docs/attached_plugins.md"));

/** Lines of the session: what is typed, and what is read. */
function session(): readonly { readonly typed: boolean; readonly text: string }[] {
  const block = /<!-- session:.*?-->\s*```text\n(.*?)```/s.exec(PAGE)?.[1] ?? "";
  return block.trim().split("\n").map((line) => ({ typed: line.startsWith(">"), text: line.slice(2) }));
}

/** The parts around each `…` have to come, in their order. */
function matches(pattern: string, line: string): boolean {
  const parts = pattern.split("…").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(line);
}

Deno.test("the session of docs/attached_plugins.md can be typed as it is written", async () => {
  const meet = await Deno.makeTempFile();
  const agent = new TestAgent({
    plugins: [],
    entries: {
      typed: {
        from: "exec:/bin/sh",
        args: ["-c", `echo $OUTPOST_PLUGIN_SOCKET $OUTPOST_PLUGIN_TOKEN > ${meet}; sleep 600`],
      },
    },
    agent: { deadlines: { setupMs: 600_000, startMs: 600_000 } },
    time: "real",
  });
  try {
    const started = agent.agent.start();
    let [path, token] = ["", ""];
    while (!token) {
      [path = "", token = ""] = (await Deno.readTextFile(meet)).trim().split(" ");
      await new Promise((resolve) => setImmediate(resolve));
    }
    using connection = await Deno.connect({ transport: "unix", path });
    const lines = connection.readable.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())
      .getReader();
    for (const { typed, text } of session()) {
      if (typed) {
        await connection.write(new TextEncoder().encode(`${text.replace("TOKEN", token)}\n`));
      } else {
        const { value = "the end" } = await lines.read();
        assert(matches(text, value), `expected ${text}, read ${value}`);
      }
    }
    await started;
    await agent.untilState("typed", "degraded");
    assertEquals(agent.health("typed").reason, "typing is slow");
    assertEquals(agent.logs("info").filter(({ message }) => message === "typed by hand")[0]?.fields, { by: "me" });
    await lines.cancel();
  } finally {
    await agent.abandon();
    await Deno.remove(meet);
  }
});
