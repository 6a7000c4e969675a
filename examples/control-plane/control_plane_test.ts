import { assert, assertEquals, assertRejects } from "@std/assert";

import { Agent, Lifecycle_State } from "../../core/proto/gen/agent_pb.ts";
import { Tailnet } from "../../core/proto/gen/tailnet_pb.ts";
import { Dialer, RPC_PATH } from "../../core/rpc/dial.ts";
import { DialError } from "../../core/rpc/dial_error.ts";
import type { RpcLink } from "../../core/rpc/link.ts";
import { typedClient } from "../../core/rpc/typed_client.ts";
import { parseAgentsFile } from "./agents_file.ts";
import { type ControlPlane, startControlPlane } from "./control_plane.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const FILE = parseAgentsFile(`{ "agents": [{ "name": "dev", "token": "${TOKEN}" }] }`, "test");
const never = new AbortController().signal;

const start = () => startControlPlane({ agents: FILE, logSink: () => {} });
const dial = (plane: ControlPlane, role = "agent", token = TOKEN) =>
  new Dialer({ url: plane.address, role, token: () => token }).dial(never);

async function ask<T = Record<string, unknown>>(plane: ControlPlane, path: string): Promise<T> {
  const response = await fetch(plane.address + path, { headers: { authorization: `Bearer ${plane.token}` } });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text);
}

/** Waits until the page of events has told of enough changes for `isTrue` to hold. */
async function until(plane: ControlPlane, isTrue: (agent: Record<string, unknown>) => boolean): Promise<void> {
  const headers = { authorization: `Bearer ${plane.token}` };
  const response = await fetch(`${plane.address}/api/events`, { headers });
  for await (const _ of response.body!) {
    if (isTrue(await ask(plane, "/api/agents/dev"))) return;
  }
  throw new Error("the stream of events ended");
}

async function end(link: RpcLink): Promise<void> {
  link.close();
  await link.released;
}

Deno.test("an agent with a known token connects with the newest version and calls; it shows at once", async () => {
  await using plane = start();

  const link = await dial(plane);
  await typedClient(Agent, (method) => link.channelFor(method)).updateLifecycle({
    lifecycle: { state: Lifecycle_State.READY },
  });
  const agent = await ask(plane, "/api/agents/dev");

  assertEquals([agent.connection, agent.lifecycle, link.version.minor], ["connected", "ready", 10]);
  await end(link);
  await until(plane, ({ connection }) => connection === "disconnected");
});

Deno.test("an agent whose connection is cut the moment it stands ends as disconnected", async () => {
  await using plane = start();

  await end(await dial(plane));
  await until(plane, ({ connection }) => connection === "disconnected");

  const { first_connected_at: first, disconnected_at: last } = await ask<Record<string, string>>(
    plane,
    "/api/agents/dev",
  );
  assert(last! >= first!);
});

Deno.test("roles other than agent may call and change no times", async () => {
  await using plane = start();

  const link = await dial(plane, "logstream-kube");
  await typedClient(Agent, (method) => link.channelFor(method)).getManifest({});
  const { connection, first_connected_at: first } = await ask(plane, "/api/agents/dev");

  assertEquals([connection, first], ["never connected", undefined]);
  await end(link);
});

Deno.test("an agent with a network of its own finds it empty, and its calls stay open until it ends them", async () => {
  await using plane = start();
  const link = await dial(plane);
  const client = typedClient(Tailnet, (method) => link.channelFor(method));
  const leave = Promise.withResolvers<void>();
  async function* requests() {
    yield { updateSelf: { node: { id: 1n } } };
    await leave.promise;
    yield { disconnect: {} };
  }

  const maps = client.streamDERPMaps({})[Symbol.asyncIterator]();
  const peers = client.coordinate(requests())[Symbol.asyncIterator]().next();
  const { value } = await maps.next();
  // Attended to at once: it fails while the link is being ended.
  const cut = assertRejects(() => maps.next());
  leave.resolve();

  assertEquals([value?.regions, (await peers).done], [{}, true]);
  await end(link);
  await cut;
});

Deno.test("tokens that are none, unknown or missing get 401", async () => {
  await using plane = start();

  for (const token of ["nonsense", crypto.randomUUID()]) {
    const error = await assertRejects(() => dial(plane, "agent", token), DialError);
    assertEquals(error.refusal?.status, 401);
  }
  const bare = await fetch(plane.address + RPC_PATH);
  assertEquals([bare.status, (await bare.json()).code], [401, "unauthorized"]);
});

Deno.test("the token is found in a cookie, in the query and in headers", async () => {
  await using plane = start();
  const statusOf = async (query: string, headers: HeadersInit = {}) => {
    const response = await fetch(`${plane.address}${RPC_PATH}?version=9.9${query}`, { headers });
    await response.body?.cancel();
    return response.status;
  };

  // 400 is about the version, so the token was taken.
  assertEquals(await statusOf("", { cookie: `a=b; coder_session_token=${TOKEN}` }), 400);
  assertEquals(await statusOf(`&coder_session_token=${TOKEN}`), 400);
  assertEquals(await statusOf("", { "coder-session-token": TOKEN.toUpperCase() }), 400);
  assertEquals(await statusOf("", { authorization: `bearer ${TOKEN}` }), 400);
  assertEquals(await statusOf(`&access_token=${TOKEN}`), 400);
  assertEquals(await statusOf("", { cookie: "coder_session_token=x", "coder-session-token": TOKEN }), 401);
});

Deno.test("versions that are not served get 400 with a validation that names the field", async () => {
  await using plane = start();

  for (const version of ["3.0", "2.11", "two", "1.9"]) {
    const response = await fetch(`${plane.address}${RPC_PATH}?version=${version}`, {
      headers: { "coder-session-token": TOKEN },
    });
    const { message, validations } = await response.json();
    assertEquals([response.status, message, validations[0].field], [
      400,
      "Unknown or unsupported API version",
      "version",
    ]);
  }
});

Deno.test("web pages of elsewhere reach neither the agents' door nor the API", async () => {
  await using plane = start();
  const headers = {
    "coder-session-token": TOKEN,
    authorization: `Bearer ${plane.token}`,
    origin: "http://evil.example",
  };

  for (const path of [RPC_PATH, "/api/agents"]) {
    const response = await fetch(plane.address + path, { headers });
    assertEquals([response.status, (await response.json()).code], [403, "forbidden_origin"]);
  }
});

Deno.test("the API wants the admin token, and a link lets one browser in, once", async () => {
  await using plane = start();
  const without = await fetch(`${plane.address}/api/agents`);
  assertEquals([without.status, (await without.json()).code], [401, "unauthorized"]);

  const link = await plane.createLink();
  const first = await fetch(link, { redirect: "manual" });
  const second = await fetch(link, { redirect: "manual" });
  await first.body?.cancel();

  assertEquals([first.status, second.status, (await second.json()).code], [303, 410, "not_found"]);
  const cookie = first.headers.get("set-cookie")!.split(";")[0]!;
  const page = await fetch(plane.address, { headers: { cookie } });
  assertEquals([page.status, page.headers.get("content-type")], [200, "text/html; charset=UTF-8"]);
  assert((await page.text()).includes("<title>Control plane</title>"));
  const change = await fetch(`${plane.address}/api/agents/dev/logs`, { method: "DELETE", headers: { cookie } });
  assertEquals([change.status, (await change.json()).code], [403, "forbidden_origin"]);
  const another = await fetch(`${plane.address}/api/auth/link`, {
    method: "POST",
    headers: { cookie, origin: plane.address },
  });
  assertEquals([another.status, (await another.json()).code], [401, "unauthorized"]);
});

Deno.test("queries that ask for nothing possible are told so, field by field", async () => {
  await using plane = start();
  const headers = { authorization: `Bearer ${plane.token}` };

  for (
    const [query, field] of [
      ["boundary?decision=maybe", "decision"],
      ["boundary?since=yesterday", "since"],
      ["logs?limit=0", "limit"],
      ["logs?limit=1001", "limit"],
      ["logs?after=x", "after"],
      ["logs?before=1", "before"],
    ]
  ) {
    const response = await fetch(`${plane.address}/api/agents/dev/${query}`, { headers });
    const { code, validations } = await response.json();
    assertEquals([response.status, code, validations[0].field], [400, "validation_failed", field]);
  }
  const missing = await fetch(`${plane.address}/api/agents/nobody`, { headers });
  assertEquals([missing.status, (await missing.json()).code], [404, "not_found"]);
});

Deno.test("close() ends agents, event streams and the database, also when called twice", async () => {
  const plane = start();
  const link = await dial(plane);
  const events = await fetch(`${plane.address}/api/events`, { headers: { authorization: `Bearer ${plane.token}` } });

  await Promise.all([plane.close(), plane.close()]);

  await link.closed;
  await link.released;
  await events.text();
  await assertRejects(() => fetch(`${plane.address}/healthz`));
});
