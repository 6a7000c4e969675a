import { assertEquals, assertRejects } from "@std/assert";

import type { TaskReport } from "../agentsocket/service.ts";
import { type TaskEvent, TaskReports, TaskReportsFullError } from "./task_reports.ts";

const WORKING: TaskEvent = { state: "working", summary: "Reading", link: "", origin: "agent" };
const SCREEN: TaskEvent = { state: "working", summary: "", link: "", origin: "screen" };

/** Reports what is given, in order; answers what was delivered, as `state summary link`. */
async function delivered(...events: TaskEvent[]): Promise<string[]> {
  const sent: TaskReport[] = [];
  const reports = new TaskReports({ report: (report) => Promise.resolve(void sent.push(report)) });
  for (const event of events) await reports.report("app", event);
  return sent.map(({ state, message, uri }) => `${state} ${message} ${uri}`.trim());
}

Deno.test("TaskReports leaves out what was just said, and nothing else", async () => {
  assertEquals(
    await delivered(WORKING, WORKING, { ...WORKING, link: "http://pr" }, { ...WORKING, state: "idle" }, WORKING),
    ["working Reading", "working Reading http://pr", "idle Reading", "working Reading"],
  );
});

Deno.test("TaskReports keeps summary and link when a report has no summary", async () => {
  const idle: TaskEvent = { state: "idle", summary: "", link: "", origin: "screen" };

  assertEquals(await delivered({ ...WORKING, link: "http://pr" }, idle), [
    "working Reading http://pr",
    "idle Reading http://pr",
  ]);
  assertEquals(await delivered({ ...WORKING, link: "http://pr" }, { ...idle, link: "http://new" }), [
    "working Reading http://pr",
    "idle Reading http://new",
  ]);
  assertEquals(await delivered({ ...WORKING, link: "http://pr" }, { ...idle, summary: "Done" }), [
    "working Reading http://pr",
    "idle Done",
  ]);
});

Deno.test("TaskReports takes a moving screen for work only as the first sign", async () => {
  const idle: TaskEvent = { ...SCREEN, state: "idle" };

  assertEquals(await delivered(SCREEN), ["working"]);
  assertEquals(await delivered(WORKING, idle, SCREEN), ["working Reading", "idle Reading"]);
});

Deno.test("TaskReports takes a user's message for work once, also when a watcher repeats it", async () => {
  const message = (userMessage: number): TaskEvent => ({ ...SCREEN, origin: { userMessage } });
  const idle: TaskEvent = { ...SCREEN, state: "idle" };

  assertEquals(await delivered(message(0), idle, message(0), message(1), idle, message(1)), [
    "working",
    "idle",
    "working",
    "idle",
  ]);
});

Deno.test("TaskReports delivers in order, and tells each caller how its own report went", async () => {
  const sent: string[] = [];
  const gate = Promise.withResolvers<void>();
  const reports = new TaskReports({
    async report({ message }) {
      if (message === "first") await gate.promise;
      if (message === "second") throw new Error("refused");
      sent.push(message);
    },
  });

  const first = reports.report("app", { ...WORKING, summary: "first" });
  const second = reports.report("app", { ...WORKING, summary: "second" });
  const third = reports.report("app", { ...WORKING, summary: "third" });
  const other = reports.report("another", { ...WORKING, summary: "elsewhere" });
  await other;
  gate.resolve();

  assertEquals([await first, await third], [true, true]);
  await assertRejects(() => second, Error, "refused");
  assertEquals(sent, ["elsewhere", "first", "third"]);
});

Deno.test("TaskReports tries a report again that failed before", async () => {
  let isDown = true;
  const sent: string[] = [];
  const reports = new TaskReports({
    async report({ message }) {
      if (isDown) throw new Error("not connected");
      await Promise.resolve(sent.push(message));
    },
  });

  await assertRejects(() => reports.report("app", WORKING), Error, "not connected");
  isDown = false;

  assertEquals(await reports.report("app", WORKING), true);
  assertEquals(sent, ["Reading"]);
});

Deno.test("TaskReports refuses more than wait already, and takes more when some are delivered", async () => {
  const gate = Promise.withResolvers<void>();
  let count = 0;
  const reports = new TaskReports({ report: async () => (await gate.promise, void count++) });
  const event = (index: number): TaskEvent => ({ ...WORKING, summary: `step ${index}` });

  const waiting = Array.from({ length: 512 }, (_, index) => reports.report("app", event(index)));
  await assertRejects(() => reports.report("app", event(512)), TaskReportsFullError, "512 reports wait");
  gate.resolve();
  await Promise.all(waiting);

  assertEquals([count, await reports.report("app", event(512))], [512, true]);
});

Deno.test("TaskReports forgets the oldest of too many apps", async () => {
  let count = 0;
  const reports = new TaskReports({ report: () => Promise.resolve(void count++) });

  for (let index = 0; index <= 256; index++) await reports.report(`app-${index}`, WORKING);

  assertEquals([await reports.report("app-256", WORKING), await reports.report("app-0", WORKING)], [false, true]);
  assertEquals(count, 258);
});
