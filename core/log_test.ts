import { assertEquals, assertStringIncludes } from "@std/assert";

import { createLogger, LogBuffer, type LogLevel, textSink, withLogFields } from "./log.ts";

const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5) };

function captured(format: "pretty" | "json", level: LogLevel = "info") {
  const chunks: Uint8Array[] = [];
  const target = { writeSync: (bytes: Uint8Array) => (chunks.push(bytes.slice()), bytes.length) };
  const log = createLogger({ category: ["outpost", "agentproc"], sink: textSink(format, target), clock, level });
  return { log, text: () => chunks.map((chunk) => new TextDecoder().decode(chunk)).join("") };
}

Deno.test("createLogger() writes one JSON object per line with its fields", () => {
  const { log, text } = captured("json");

  log.info("process started", { pid: 7, note: "two words" });

  const line = JSON.parse(text());
  assertEquals(line.message, "process started");
  assertEquals(line.logger, "outpost.agentproc");
  assertEquals([line.pid, line.note], [7, "two words"]);
});

Deno.test("createLogger() writes key=value pairs for people and quotes values with spaces", () => {
  const { log, text } = captured("pretty");

  log.warn("scan failed", { repo: "/a b", count: 2 });

  assertStringIncludes(text(), 'scan failed repo="/a b" count=2\n');
});

Deno.test("createLogger() drops lines below its level", () => {
  const { log, text } = captured("json", "warn");

  log.info("quiet");
  log.error("loud");

  assertEquals(text().split("\n").length, 2);
  assertStringIncludes(text(), "loud");
});

Deno.test("createLogger() writes an error with its causes and without its stack", () => {
  const { log, text } = captured("json");

  log.error("failed", { error: new TypeError("outer", { cause: new Error("inner") }) });

  assertEquals(JSON.parse(text()).error, "TypeError: outer <- Error: inner");
});

Deno.test("withLogFields() adds its fields to lines logged later in the same asynchronous context only", async () => {
  const buffer = new LogBuffer();
  const log = createLogger({ category: ["t"], sink: buffer.sink, clock });

  await withLogFields({ request_id: "r1" }, async () => {
    await Promise.resolve();
    withLogFields({ chat_id: "c1" }, () => log.info("inside"));
  });
  log.info("outside");

  assertEquals(buffer.records.map((record) => record.properties), [{ request_id: "r1", chat_id: "c1" }, {}]);
});

Deno.test("LogBuffer drops the oldest record over its capacity", () => {
  const buffer = new LogBuffer(2);
  const log = createLogger({ category: ["t"], sink: buffer.sink, clock });

  for (const message of ["one", "two", "three"]) log.info(message);

  assertEquals(buffer.records.map((record) => record.rawMessage), ["two", "three"]);
});

Deno.test("textSink() survives a reader that went away", () => {
  const log = createLogger({
    category: ["t"],
    clock,
    sink: textSink("json", {
      writeSync: () => {
        throw new Deno.errors.BrokenPipe("gone");
      },
    }),
  });

  log.info("into the void");
});
