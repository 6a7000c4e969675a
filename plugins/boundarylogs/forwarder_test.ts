import { assertEquals } from "@std/assert";

import { create } from "@bufbuild/protobuf";

import { definePlugin } from "../../core/plugin.ts";
import { type ReportBoundaryLogsRequest, ReportBoundaryLogsRequestSchema } from "../../core/proto/gen/agent_pb.ts";
import { createTestAgent } from "../../core/testing/mod.ts";
import { batch, urlOf } from "./_fixture.ts";
import { BatchStore } from "./batch_store.ts";
import { boundaryMetrics } from "./boundary_metrics.ts";
import { Forwarder } from "./forwarder.ts";

Deno.test("run() sends what waits in its order, ends when its signal is aborted, and leaves what comes later", async () => {
  let parts: { readonly store: BatchStore; readonly forwarder: Forwarder } | undefined;
  const probe = definePlugin({
    ...{ id: "probe", version: "1.0.0", api: 1, summary: "Forwards by hand.", stability: "stable" },
    setup({ log, metrics: registry }) {
      const metrics = boundaryMetrics(registry);
      const store = new BatchStore({ queuedBatches: 5, metrics, log, isForwarding: () => true });
      parts = { store, forwarder: new Forwarder({ store, log, metrics }) };
    },
  });
  await using _agent = await createTestAgent({ plugins: [probe] });
  const { store, forwarder } = parts!;
  const put = (url: string) => store.put(create(ReportBoundaryLogsRequestSchema, batch(url)));
  const sent: (string | undefined)[] = [];
  const connection = new AbortController();
  put("https://one.example/");
  put("https://two.example/");

  const running = forwarder.run((request: ReportBoundaryLogsRequest) => {
    sent.push(urlOf(request));
    return Promise.resolve();
  }, connection.signal);
  await forwarder.settled(new AbortController().signal);
  connection.abort();
  await running;
  put("https://later.example/");

  assertEquals(sent, ["https://one.example/", "https://two.example/"]);
  assertEquals([forwarder.isRunning, store.inMemory], [false, 1]);
});
