import { assertEquals } from "@std/assert";

import { VirtualClock } from "../../core/testing/mod.ts";
import { ProgressSender } from "./progress_sender.ts";
import type { ProgressMessage } from "./watch_message.ts";

const bytesOf = (text: string) => new TextEncoder().encode(text);

function senderWith(limits: { fromBytes: number; maxBytes: number }) {
  const sent: ProgressMessage[] = [];
  const clock = new VirtualClock();
  const send = (message: ProgressMessage) => Promise.resolve(void sent.push(message));
  const sender = new ProgressSender({ repoRoot: "/r", clock, send, ...limits });
  sender.start({ branch: "main", origin: "", totalFiles: 2 });
  return { sender, sent, clock };
}

Deno.test("ProgressSender says nothing about a small diff", async () => {
  const { sender, sent } = senderWith({ fromBytes: 100, maxBytes: 1000 });

  await sender.piece(bytesOf("x".repeat(100)));
  await sender.finish();

  assertEquals(sent, []);
});

Deno.test("ProgressSender sends everything once the diff is large, in parts of 16 KiB or every 100 ms", async () => {
  const { sender, sent, clock } = senderWith({ fromBytes: 10, maxBytes: 1 << 20 });
  await sender.piece(bytesOf("diff --git a"));
  await sender.piece(bytesOf("b"));
  const early = sent.length;
  await clock.advance(100);
  await sender.piece(bytesOf("c"));
  await sender.piece(bytesOf("d".repeat(16 * 1024)));
  await sender.finish();

  assertEquals(early, 1);
  assertEquals(sent.map((message) => message.unified_diff_chunk?.length), [12, 2, 16 * 1024, undefined]);
  assertEquals(sent.map((message) => [message.reset, message.complete, message.processed_files]), [
    [true, undefined, 1],
    [undefined, undefined, 1],
    [undefined, undefined, 1],
    [undefined, true, 2],
  ]);
});

Deno.test("ProgressSender keeps characters whole that are cut between two pieces", async () => {
  const { sender, sent } = senderWith({ fromBytes: 1, maxBytes: 1 << 20 });
  const euro = bytesOf("a€");

  await sender.piece(euro.subarray(0, 2));
  await sender.piece(euro.subarray(2));
  await sender.finish();

  assertEquals(sent.map((message) => message.unified_diff_chunk ?? "").join(""), "a€");
});

Deno.test("ProgressSender stops sending at its limit and still completes", async () => {
  const { sender, sent } = senderWith({ fromBytes: 1, maxBytes: 20_000 });
  for (let i = 0; i < 10; i++) await sender.piece(bytesOf("x".repeat(20_000)));
  await sender.finish();

  assertEquals(sent.map((message) => message.unified_diff_chunk?.length ?? 0), [20_000, 0]);
  assertEquals(sent.at(-1)?.complete, true);
});
