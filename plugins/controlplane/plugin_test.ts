import { assertEquals, assertExists, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";

import { Agent, Connection_Action, Lifecycle_State } from "../../core/proto/gen/agent_pb.ts";
import { RpcError } from "../../core/rpc/drpc/error.ts";
import { parseVersion } from "../../core/rpc/api_version.ts";
import { definePlugin, type Plugin, type ServiceImplementation } from "../../core/plugin.ts";
import { TestControlPlane } from "../../core/testing/control_plane.ts";
import { conformance } from "../../core/testing/conformance.ts";
import { createTestAgent } from "../../core/testing/test_agent.ts";
import { writeProgram } from "../../core/testing_program.ts";
import controlplane from "./mod.ts";
import { BannerFeed, ConnectionReports, LifecycleReports, type LifecycleWork, ManifestFeed } from "./service.ts";
import { uuidBytes } from "../../core/uuid.ts";

conformance(controlplane);

const AGENT_ID = "01020304-0506-0708-090a-0b0c0d0e0f10";
const MANIFEST = {
  agentId: uuidBytes(AGENT_ID),
  agentName: "main",
  workspaceName: "dev",
  ownerUsername: "ada",
  workspaceId: uuidBytes("11020304-0506-0708-090a-0b0c0d0e0f10"),
  environmentVariables: { GREETING: "hello ${HOME}", PATH: "/manifest:$PATH" },
};

/** Tells what children find in their environment. */
const asking = definePlugin({
  ...{ id: "asking", version: "1.0.0", api: 1, summary: "Asks.", stability: "stable" },
  setup: (ctx) => void ctx.routes.app.get("/", async (c) => c.json(await ctx.env.build())),
});

type AgentService = ServiceImplementation<typeof Agent>;

function planeWith(more: Partial<AgentService> = {}, manifest: Record<string, unknown> = {}): TestControlPlane {
  return new TestControlPlane().serve(Agent, {
    getManifest: () => ({ ...MANIFEST, ...manifest }),
    updateStartup: (request) => request.startup ?? {},
    updateLifecycle: (request) => request.lifecycle ?? {},
    getAnnouncementBanners: () => ({ announcementBanners: [{ enabled: true, message: "hi" }, { enabled: false }] }),
    reportConnection: () => ({}),
    ...more,
  });
}

function statesOf(plane: TestControlPlane): readonly string[] {
  const calls = plane.calls.filter(({ method }) => method === "UpdateLifecycle");
  return calls.map(({ request }) => Lifecycle_State[request.lifecycle.state as Lifecycle_State]);
}

/** A plugin whose work belongs to the start and the end. */
function working(work: LifecycleWork): Plugin {
  return definePlugin({
    ...{ id: "working", version: "1.0.0", api: 1, summary: "Has work.", stability: "stable" },
    needs: { lifecycle: LifecycleReports },
    setup: (ctx) => ctx.services.lifecycle.add(work, ctx.signal),
  });
}

Deno.test("controlplane takes the manifest, answers with its version, and reports each state once and in order", async () => {
  const controlPlane = planeWith({}, { directory: "~/project" });
  const agent = await createTestAgent({ plugins: [controlplane], controlPlane });

  await controlPlane.until(() => statesOf(controlPlane).includes("READY"));
  const [startup] = await controlPlane.untilCalled("UpdateStartup");
  await agent.stop();

  assertEquals([startup.startup.version, startup.startup.expandedDirectory], ["v0.1.0", "/tmp/project"]);
  assertEquals(statesOf(controlPlane), ["STARTING", "READY", "SHUTTING_DOWN", "OFF"]);
  await agent[Symbol.asyncDispose]();
});

Deno.test("controlplane gives children the workspace's variables, the manifest's and the secrets", async () => {
  const value = new TextEncoder().encode("s3cret $HOME");
  const controlPlane = planeWith({}, { secrets: [{ envName: "API_KEY", filePath: "", value }] });
  await using agent = await createTestAgent({ plugins: [controlplane, asking], controlPlane });
  await controlPlane.untilCalled("UpdateLifecycle");

  const variables = await (await agent.get("/api/v0/asking")).json();

  assertEquals([variables.CODER, variables.CODER_WORKSPACE_NAME, variables.CODER_WORKSPACE_OWNER_NAME], [
    "true",
    "dev",
    "ada",
  ]);
  assertEquals([variables.GREETING, variables.API_KEY], ["hello /tmp", "s3cret $HOME"]);
  assertEquals(variables.PATH.includes("/manifest:/usr/local/sbin"), true, variables.PATH);
});

Deno.test("controlplane reports the worst outcome of the start work, and of the stop work", async () => {
  const controlPlane = planeWith();
  const outcomes = working({ start: () => Promise.resolve("timeout"), stop: () => Promise.resolve("error") });
  const agent = await createTestAgent({ plugins: [controlplane, outcomes], controlPlane });

  await controlPlane.until(() => statesOf(controlPlane).length === 2);
  await agent.stop();

  assertEquals(statesOf(controlPlane), ["STARTING", "START_TIMEOUT", "SHUTTING_DOWN", "SHUTDOWN_ERROR"]);
  await agent[Symbol.asyncDispose]();
});

Deno.test("controlplane says that the agent stops before the stop work is done", async () => {
  const gate = Promise.withResolvers<"ok">();
  const controlPlane = planeWith();
  const agent = await createTestAgent({ plugins: [controlplane, working({ stop: () => gate.promise })], controlPlane });
  await controlPlane.until(() => statesOf(controlPlane).includes("READY"));

  const stopped = agent.stop();
  await controlPlane.until(() => statesOf(controlPlane).includes("SHUTTING_DOWN"));
  gate.resolve("ok");
  await stopped;

  assertEquals(statesOf(controlPlane).at(-1), "OFF");
  await agent[Symbol.asyncDispose]();
});

Deno.test("controlplane sends what the control plane missed after a reconnect, and repeats nothing", async () => {
  const gate = Promise.withResolvers<"ok">();
  const controlPlane = planeWith();
  await using agent = await createTestAgent({
    plugins: [controlplane, working({ start: () => gate.promise })],
    controlPlane,
  });
  await controlPlane.until(() => statesOf(controlPlane).includes("STARTING"));
  await agent.clock.advance(1); // The answer arrives: a report that was cut off before it would be repeated.
  controlPlane.refusal = new Error("away");
  await controlPlane.disconnect();
  gate.resolve("ok");
  await agent.clock.advance(60_000);

  controlPlane.refusal = undefined;
  await agent.clock.advance(60_000);
  await controlPlane.until(() => statesOf(controlPlane).includes("READY"));

  assertEquals(statesOf(controlPlane), ["STARTING", "READY"]);
  assertEquals(controlPlane.connections, 2);
});

Deno.test("controlplane repeats a state whose report failed until it arrives", async () => {
  let isFirst = true;
  const arrived: Lifecycle_State[] = [];
  const times: number[] = [];
  const controlPlane = planeWith({
    updateLifecycle: (request) => {
      times.push(Number(request.lifecycle?.changedAt?.seconds));
      if (isFirst) {
        isFirst = false;
        throw new RpcError("database is away");
      }
      if (request.lifecycle !== undefined) arrived.push(request.lifecycle.state);
      return request.lifecycle ?? {};
    },
  });
  await using agent = await createTestAgent({ plugins: [controlplane], controlPlane });

  await controlPlane.untilCalled("UpdateLifecycle");
  await agent.clock.advance(60_000);
  await controlPlane.until(() => arrived.includes(Lifecycle_State.READY));

  assertEquals(arrived, [Lifecycle_State.STARTING, Lifecycle_State.READY]);
  assertEquals(times[1], times[0], "a state that is sent again keeps its time, by which it is known");
});

Deno.test("controlplane runs start work once, however often it reconnects, and feeds every manifest", async () => {
  let starts = 0;
  const work = working({
    start: () => {
      starts++;
      return Promise.resolve("ok");
    },
  });
  const controlPlane = planeWith();
  await using agent = await createTestAgent({ plugins: [controlplane, work], controlPlane });
  const watch = agent.service(ManifestFeed).watch(new AbortController().signal)[Symbol.asyncIterator]();
  assertEquals((await watch.next()).value.agentId, AGENT_ID);

  const again = watch.next();
  await controlPlane.disconnect();
  await agent.clock.advance(60_000);

  assertEquals((await again).value.agentName, "main");
  assertEquals(starts, 1);
});

Deno.test("controlplane ends a connection whose manifest names no agent, and tries again", async () => {
  const controlPlane = planeWith({}, { agentId: new Uint8Array(16) });
  await using agent = await createTestAgent({ plugins: [controlplane], controlPlane, ignoreErrors: true });

  await controlPlane.untilCalled("GetManifest");
  await agent.clock.advance(60_000);
  await controlPlane.untilCalled("GetManifest", 2);

  assertEquals(statesOf(controlPlane), []);
});

Deno.test("controlplane reports connections in order, with a blank address as it is", async () => {
  const controlPlane = planeWith();
  await using agent = await createTestAgent({ plugins: [controlplane], controlPlane });
  const reports = agent.service(ConnectionReports);

  const ended = reports.connected("ssh", "localhost:5022");
  const blankEnded = reports.connected("vscode", "");
  ended(1, "");
  ended(2, "a second end does not count");
  blankEnded(3, "gone");
  const calls = (await controlPlane.untilCalled("ReportConnection", 4)).map(({ connection }) => connection);

  assertEquals(calls.map(({ ip }) => ip), ["127.0.0.1", "", "127.0.0.1", ""]);
  assertEquals(calls.map(({ action }) => action), [
    Connection_Action.CONNECT,
    Connection_Action.CONNECT,
    Connection_Action.DISCONNECT,
    Connection_Action.DISCONNECT,
  ]);
  assertEquals([calls[3].statusCode, calls[3].reason, calls[3].id], [3, "gone", calls[1].id]);
  assertEquals(agent.logs("error"), []);
  assertEquals([calls[2].statusCode, calls[2].reason, calls[2].id], [1, "", calls[0].id]);
});

Deno.test("controlplane keeps connection reports for the next connection, but for one that was on its way", async () => {
  let isFirst = true;
  const controlPlane = planeWith({
    reportConnection: () => {
      if (!isFirst) return {};
      isFirst = false;
      return new Promise<never>(() => {});
    },
  });
  await using agent = await createTestAgent({ plugins: [controlplane], controlPlane });
  const reports = agent.service(ConnectionReports);
  for (const port of [1, 2, 3]) reports.connected("ssh", `192.0.2.${port}:22`);
  await controlPlane.untilCalled("ReportConnection");

  await controlPlane.disconnect();
  await agent.clock.advance(60_000);
  const calls = await controlPlane.untilCalled("ReportConnection", 3);

  assertEquals(calls.map(({ connection }) => connection.ip), ["192.0.2.1", "192.0.2.2", "192.0.2.3"]);
  assertEquals(agent.logs("warn").filter(({ message }) => message === "connection report given up").length, 1);
});

Deno.test("controlplane connects again for connection reports when a connection that is there takes no more calls", async () => {
  const controlPlane = planeWith();
  await using agent = await createTestAgent({ plugins: [controlplane], controlPlane });
  const reports = agent.service(ConnectionReports);
  reports.connected("ssh", "192.0.2.1:22");
  await controlPlane.untilCalled("ReportConnection");
  await controlPlane.until(() => statesOf(controlPlane).includes("READY"));

  controlPlane.goAway();
  await agent.clock.advance(1);
  for (const port of [2, 3]) reports.connected("ssh", `192.0.2.${port}:22`);
  for (let second = 0; second < 30 && controlPlane.connections < 2; second++) await agent.clock.advance(1_000);

  assertEquals(controlPlane.connections, 2);
  const calls = await controlPlane.untilCalled("ReportConnection", 2);
  assertEquals(calls.map(({ connection }) => connection.ip), ["192.0.2.1", "192.0.2.3"]);
});

Deno.test("controlplane says that a control plane is too old for connection reports", async () => {
  const controlPlane = planeWith();
  controlPlane.version = parseVersion("2.3");
  await using agent = await createTestAgent({ plugins: [controlplane], controlPlane });
  await controlPlane.until(() => statesOf(controlPlane).includes("READY"));

  const told = () =>
    agent.logs("info").filter(({ message, fields }) =>
      message === "routine needs a newer control plane" && fields.routine === "reportConnections"
    );

  agent.service(ConnectionReports).connected("ssh", "192.0.2.1:22");
  for (let turn = 0; turn < 100 && told().length === 0; turn++) await agent.clock.advance(1);

  assertEquals(told().length, 1);
  assertEquals(controlPlane.connections, 1);
});

Deno.test("controlplane keeps no connection reports where no control plane is configured", async () => {
  await using agent = await createTestAgent({
    plugins: [controlplane],
    config: { controlplane: { maxConnectionReports: 1 } },
  });
  const reports = agent.service(ConnectionReports);

  for (const port of [1, 2, 3]) reports.connected("ssh", `192.0.2.1:${port}`)(0, "");

  assertEquals(agent.logs("warn"), []);
});

Deno.test("controlplane logs an address that cannot be read, and drops reports over the limit", async () => {
  const controlPlane = planeWith();
  controlPlane.refusal = new Error("away");
  await using agent = await createTestAgent({
    plugins: [controlplane],
    controlPlane,
    config: { controlplane: { maxConnectionReports: 1 } },
  });
  const reports = agent.service(ConnectionReports);

  reports.connected("ssh", "not an address");
  reports.connected("ssh", "");

  assertEquals(agent.errors().map(({ message }) => message), ["address of a connection cannot be read"]);
  assertEquals(agent.logs("warn").some(({ message }) => message === "connection report dropped"), true);
});

Deno.test("controlplane fetches banners again and again, and from an older control plane the one it has", async () => {
  const controlPlane = planeWith({ getServiceBanner: () => ({ enabled: true, message: "old" }) });
  await using agent = await createTestAgent({ plugins: [controlplane], controlPlane });
  await controlPlane.untilCalled("GetAnnouncementBanners");
  await agent.clock.advance(120_000);
  await controlPlane.untilCalled("GetAnnouncementBanners", 2);
  const banners = agent.service(BannerFeed).watch(new AbortController().signal)[Symbol.asyncIterator]();
  assertEquals((await banners.next()).value.map(({ message }: { message: string }) => message), ["hi"]);

  controlPlane.version = parseVersion("2.0");
  await controlPlane.disconnect();
  await agent.clock.advance(60_000);

  assertEquals((await banners.next()).value.map(({ message }: { message: string }) => message), ["old"]);
});

Deno.test("controlplane writes secret files with narrow modes and warns about those it cannot write", async () => {
  const home = await Deno.makeTempDir();
  const value = new TextEncoder().encode("token");
  const secrets = [
    { envName: "", filePath: "~/.config/tool/token", value },
    { envName: "", filePath: "relative", value },
  ];
  const controlPlane = planeWith({}, { secrets });
  await using agent = await createTestAgent({
    plugins: [controlplane],
    controlPlane,
    env: { HOME: home, PATH: "/usr/bin" },
  });

  await controlPlane.untilCalled("UpdateLifecycle");

  const path = join(home, ".config/tool/token");
  assertEquals(await Deno.readTextFile(path), "token");
  assertEquals([(await Deno.stat(path)).mode! & 0o777, (await Deno.stat(join(home, ".config"))).mode! & 0o777], [
    0o600,
    0o700,
  ]);
  assertExists(agent.logs("warn").find(({ message }) => message === "secret file skipped"));
  await Deno.remove(home, { recursive: true });
});

Deno.test("controlplane runs alone without a control plane: it reports nothing and stops at once", async () => {
  const agent = await createTestAgent({ plugins: [controlplane] });

  assertEquals(agent.state("controlplane"), "running");
  const report = await agent.stop();

  assertEquals(report.unfinished, []);
  await agent[Symbol.asyncDispose]();
});

Deno.test("controlplane points git at its commands, once the workspace is known", async () => {
  const controlPlane = planeWith();
  controlPlane.refusal = new Error("away");
  await using agent = await createTestAgent({ plugins: [controlplane, asking], controlPlane });
  const before = await (await agent.get("/api/v0/asking")).json();

  controlPlane.refusal = undefined;
  await agent.clock.advance(60_000);
  await controlPlane.untilCalled("UpdateLifecycle");
  const after = await (await agent.get("/api/v0/asking")).json();

  assertEquals([before.GIT_SSH_COMMAND, before.GIT_ASKPASS], [undefined, undefined]);
  assertEquals([after.GIT_SSH_COMMAND, after.GIT_ASKPASS], ["/usr/bin/outpost gitssh --", "/usr/bin/outpost"]);
});

Deno.test("controlplane gives git one program to ask, also when it takes several words to start it", async () => {
  const directory = await Deno.makeTempDir();
  const program = join(directory, "a program");
  await writeProgram(program, '#!/bin/sh\nprintf "%s|" "$@"\n');
  const controlPlane = planeWith();
  const agent = await createTestAgent({
    plugins: [controlplane, asking],
    controlPlane,
    commandLine: [program, "it's"],
  });
  await controlPlane.untilCalled("UpdateLifecycle");

  const { GIT_SSH_COMMAND, GIT_ASKPASS } = await (await agent.get("/api/v0/asking")).json();
  const asked = await new Deno.Command(GIT_ASKPASS, { args: ["Username for 'https://x': "] }).output();
  const ssh = await new Deno.Command("sh", { args: ["-c", `${GIT_SSH_COMMAND} host`] }).output();
  await Deno.remove(dirname(GIT_ASKPASS), { recursive: true }); // As a program does that tidies up.
  const again = (await (await agent.get("/api/v0/asking")).json()).GIT_ASKPASS;
  const askedAgain = await new Deno.Command(again, { args: ["Password: "] }).output();
  await agent.stop();

  const text = ({ stdout }: Deno.CommandOutput) => new TextDecoder().decode(stdout);
  assertEquals(text(asked), "it's|Username for 'https://x': |");
  assertEquals(text(ssh), "it's|gitssh|--|host|");
  assertEquals(text(askedAgain), "it's|Password: |");
  await assertRejects(() => Deno.stat(again), Deno.errors.NotFound);
  await agent[Symbol.asyncDispose]();
  await Deno.remove(directory, { recursive: true });
});

Deno.test("GET /git-ssh-key passes the key on, and what the control plane refuses", async () => {
  const controlPlane = planeWith();
  await using agent = await createTestAgent({ plugins: [controlplane], controlPlane });
  const ask = async () => {
    const response = await agent.get("/api/v0/controlplane/git-ssh-key");
    return [response.status, await response.json()] as const;
  };
  const keys = { public_key: "ssh-ed25519 A", private_key: "PEM" };
  const asked: string[] = [];
  controlPlane.answer = ({ url }) => {
    asked.push(new URL(url).pathname);
    return Response.json({ ...keys, more: "unknown" });
  };
  assertEquals(await ask(), [200, keys]);
  assertEquals(asked, ["/api/v2/workspaceagents/me/gitsshkey"]);

  controlPlane.answer = () => Response.json({ message: "No key", detail: "none was made" }, { status: 404 });
  const [missing, body] = await ask();
  assertEquals([missing, body.message, body.detail, body.code], [
    404,
    "No key",
    "none was made",
    "controlplane_refused",
  ]);

  controlPlane.answer = () => Response.json({ message: "who are you" }, { status: 401 });
  assertEquals((await ask())[0], 502);
  controlPlane.answer = () => new Response("<html>");
  assertEquals((await ask())[1].message, "The control plane's answer cannot be understood");
  controlPlane.refusal = new Error("it is away");
  const [away, { code, detail }] = await ask();
  assertEquals([away, code], [503, "controlplane_unavailable"]);
  assertStringIncludes(detail, "it is away");
});

Deno.test("GET /external-auth asks as it is asked, and ends with the agent however long it waits", async () => {
  const controlPlane = planeWith();
  const agent = await createTestAgent({ plugins: [controlplane], controlPlane });
  const asked: string[] = [];
  const path = "/api/v0/controlplane/external-auth";
  controlPlane.answer = ({ url }) => {
    asked.push(new URL(url).search);
    return Response.json({ username: "oauth2", password: "p", token_extra: null });
  };

  const answer = await agent.get(`${path}?match=https://git.example&chat_id=c`);
  const neither = await agent.get(path);
  const both = await agent.get(`${path}?match=a&id=b`);
  assertEquals(await answer.json(), { url: "", username: "oauth2", password: "p", access_token: "", type: "" });
  assertEquals([neither.status, both.status], [400, 400]);
  await Promise.all([neither.body?.cancel(), both.body?.cancel()]);

  const waiting = Promise.withResolvers<void>();
  controlPlane.answer = ({ url, signal }) => {
    asked.push(new URL(url).search);
    waiting.resolve();
    return new Promise((_, reject) => signal.addEventListener("abort", () => reject(signal.reason)));
  };
  const listening = agent.get(`${path}?id=forge&listen=true`);
  await waiting.promise;
  await agent.clock.advance(3_600_000);
  await agent.stop();
  const late = await listening;

  assertEquals(late.status, 503);
  assertEquals(asked, ["?id=&match=https%3A%2F%2Fgit.example&chat_id=c", "?id=forge&match=&listen=true"]);
  await late.body?.cancel();
  await agent[Symbol.asyncDispose]();
});

Deno.test("the routes for git say that no control plane is configured", async () => {
  await using agent = await createTestAgent({ plugins: [controlplane] });

  const response = await agent.get("/api/v0/controlplane/git-ssh-key");

  assertEquals([response.status, (await response.json()).detail], [503, "no control plane is configured"]);
});
