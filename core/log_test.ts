import { assertEquals, assertStringIncludes } from "@std/assert";

import { createLogger, LogBuffer, type LogLevel, openTextSink, withLogFields } from "./log.ts";

const clock = { now: () => Date.UTC(2026, 0, 2, 3, 4, 5) };

async function captured(format: "pretty" | "json", level: LogLevel = "info") {
  const chunks: Uint8Array[] = [];
  const target = { writeSync: (bytes: Uint8Array) => (chunks.push(bytes.slice()), bytes.length) };
  const log = createLogger({
    category: ["outpost", "agentproc"],
    sink: await openTextSink(format, target),
    clock,
    level,
  });
  return { log, text: () => chunks.map((chunk) => new TextDecoder().decode(chunk)).join("") };
}

Deno.test("createLogger() writes one JSON object per line with its fields", async () => {
  const { log, text } = await captured("json");

  log.info("process started", { pid: 7, note: "two words" });

  const line = JSON.parse(text());
  assertEquals(line.message, "process started");
  assertEquals(line.logger, "outpost.agentproc");
  assertEquals([line.pid, line.note], [7, "two words"]);
});

Deno.test("createLogger() writes key=value pairs for people and quotes values with spaces", async () => {
  const { log, text } = await captured("pretty");

  log.warn("scan failed", { repo: "/a b", count: 2 });

  assertStringIncludes(text(), 'scan failed repo="/a b" count=2\n');
});

Deno.test("createLogger() drops lines below its level", async () => {
  const { log, text } = await captured("json", "warn");

  log.info("quiet");
  log.error("loud");

  assertEquals(text().split("\n").length, 2);
  assertStringIncludes(text(), "loud");
});

Deno.test("createLogger() writes an error with its causes and without its stack", async () => {
  const { log, text } = await captured("json");

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

Deno.test("openTextSink() lets no field pass for the message, and no control character reach a terminal", async () => {
  const { log, text } = await captured("json");

  log.info("real", { message: "forged", level: "ERROR", note: "a\u009b31mb\n" });

  assertEquals(text().includes("\u009b"), false);
  const line = JSON.parse(text());
  assertEquals([line.message, line.level, line.note], ["real", "INFO", "a\u009b31mb\n"]);
});

Deno.test("openTextSink() survives a reader that went away", async () => {
  const log = createLogger({
    category: ["t"],
    clock,
    sink: await openTextSink("json", {
      writeSync: () => {
        throw new Deno.errors.BrokenPipe("gone");
      },
    }),
  });

  log.info("into the void");
});
