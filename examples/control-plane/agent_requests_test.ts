import { assert, assertEquals } from "@std/assert";

import { AGENT_PREFIX } from "./agent_requests.ts";
import { parseAgentsFile } from "./agents_file.ts";
import { type ControlPlane, startControlPlane } from "./control_plane.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const PREBUILT = "d9a0c3a6-7d61-4a55-8a2b-0f4f5c0f9b21";
const AGENTS = parseAgentsFile(
  JSON.stringify({
    agents: [
      {
        ...{ name: "dev", token: TOKEN, gitSshKey: { privateKey: "PEM", publicKey: "ssh-ed25519 A" } },
        externalAuth: [
          { id: "hub", match: "^https://hub\\.example", type: "github", token: "gho_1" },
          { id: "lab", match: "^https://lab\\.example", type: "gitlab" },
        ],
      },
      { name: "spare", token: PREBUILT, owner: "prebuilds", prebuilt: true },
    ],
  }),
  "test",
);
const start = () => startControlPlane({ agents: AGENTS, logSink: () => {} });

async function ask(plane: ControlPlane, path: string, token = TOKEN) {
  const response = await fetch(plane.address + AGENT_PREFIX + path, { headers: { "coder-session-token": token } });
  return [response.status, await response.json()] as const;
}
async function admin(plane: ControlPlane, method: string, path: string, body: unknown) {
  const headers = { authorization: `Bearer ${plane.token}` };
  const response = await fetch(plane.address + path, { method, headers, body: JSON.stringify(body) });
  const text = await response.text();
  return [response.status, text === "" ? undefined : JSON.parse(text)] as const;
}

Deno.test("an agent gets its key for git, another one 404, a stranger 401", async () => {
  await using plane = start();

  assertEquals(await ask(plane, "/gitsshkey"), [200, { public_key: "ssh-ed25519 A", private_key: "PEM" }]);
  assertEquals((await ask(plane, "/gitsshkey", PREBUILT))[0], 404);
  assertEquals((await ask(plane, "/gitsshkey", crypto.randomUUID()))[0], 401);
  assertEquals((await ask(plane, "/elsewhere"))[0], 404);
});

Deno.test("a token becomes the user name or the password, by the kind of its provider", async () => {
  await using plane = start();

  const [, hub] = await ask(plane, "/external-auth?match=https://hub.example");
  const [, byId] = await ask(plane, "/external-auth?id=hub&match=");
  const [, lab] = await ask(plane, "/external-auth?match=https://lab.example");
  const [unknown, problem] = await ask(plane, "/external-auth?match=https://else.example");
  const [none] = await ask(plane, "/external-auth");

  assertEquals(hub, { access_token: "gho_1", type: "github", username: "gho_1", password: "", url: "" });
  assertEquals(byId, hub);
  assertEquals(lab.url, `${plane.address}/external-auth/dev/lab`);
  assertEquals([unknown, none], [404, 400]);
  assert(problem.detail.includes("hub: ^https://hub"), problem.detail);
});

Deno.test("an agent that listens gets the token the moment somebody gives one", async () => {
  await using plane = start();
  const page = await fetch(`${plane.address}/external-auth/dev/lab`, {
    headers: { authorization: `Bearer ${plane.token}` },
  });
  assert((await page.text()).includes(`${plane.address}/api/agents/dev/external-auth/lab`));

  const listening = ask(plane, "/external-auth?match=https://lab.example&listen=true");
  const given = await admin(plane, "PUT", "/api/agents/dev/external-auth/lab", { token: "glpat" });
  const [status, auth] = await listening;

  assertEquals([given[0], status, auth.username, auth.password], [204, 200, "oauth2", "glpat"]);
  assertEquals((await admin(plane, "PUT", "/api/agents/dev/external-auth/none", { token: "x" }))[0], 404);
});

Deno.test("an agent that listens is answered when the control plane stops", async () => {
  await using plane = start();
  const changes = await fetch(`${plane.address}/api/events`, { headers: { authorization: `Bearer ${plane.token}` } });
  const events = changes.body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  await events.next();

  const listening = ask(plane, "/external-auth?match=https://lab.example&listen=true");
  await events.next();
  await plane.close();

  assertEquals((await listening)[0], 503);
  await events.return?.();
});

Deno.test("a prebuilt agent hears of its claim, also when it asks afterwards; another one gets 409", async () => {
  await using plane = start();
  const wait = () =>
    fetch(`${plane.address}${AGENT_PREFIX}/reinit?wait=true`, { headers: { "coder-session-token": PREBUILT } });
  const waiting = (await wait()).body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  assertEquals((await waiting.next()).value, "event: ping\n\n");

  const [, claim] = await admin(plane, "POST", "/api/agents/spare/claim", { owner: "ada", workspace: "engine" });
  const { value: first } = await waiting.next();
  const late = (await wait()).body!.pipeThrough(new TextDecoderStream())[Symbol.asyncIterator]();
  let second = "";
  while (!second.includes("data:")) second += (await late.next()).value;

  const event = { workspace_id: claim.workspace_id, reason: "prebuild_claimed", owner_id: claim.owner_id };
  assertEquals(first, `event: data\ndata: ${JSON.stringify(event)}\n\n`);
  assert(second.endsWith(first!), second);
  assertEquals((await ask(plane, "/reinit"))[0], 409);
  assertEquals((await admin(plane, "POST", "/api/agents/dev/claim", { owner: "ada" }))[0], 409);
  await waiting.return?.();
  await late.return?.();
});
