/**
 * Exchanges with the stock agent, byte for byte: an accidental change of the API fails here.
 *
 * What differs from run to run is replaced by a name in angle brackets. `UPDATE_GOLDEN=1` writes the file anew.
 *
 * @module
 */
import { assertEquals } from "@std/assert";

import { createTestAgent } from "../../core/testing/mod.ts";
import { standardPlugins } from "../../plugins/standard.ts";
import { ROOT } from "../agent_process.ts";

const GOLDEN = `${ROOT}test/wire/golden/exchanges.txt`;

/** Method, path, and a body where there is one; `~` is the workspace. */
const REQUESTS: readonly (readonly [method: string, path: string, body?: string])[] = [
  ["GET", "/"],
  ["GET", "/healthz"],
  ["GET", "/api/v0/nothing"],
  ["GET", "/api/v0/processes/start"],
  ["POST", "/api/v0/processes/start", `{"command":"echo hello; echo '<&>' >&2"}`],
  ["GET", "/api/v0/processes/ID/output?wait=true"],
  ["GET", "/api/v0/processes/ID/stream"],
  ["GET", "/api/v0/processes/list"],
  ["POST", "/api/v0/processes/ID/signal", `{"signal":"kill"}`],
  ["POST", "/api/v0/processes/ID/signal", `{"signal":"other"}`],
  ["POST", "/api/v0/processes/start", `{}`],
  ["POST", "/api/v0/processes/start", `{"command":1,"env":{"A":2}}`],
  ["POST", "/api/v0/processes/start", `no json`],
  ["GET", "/api/v0/processes/none/output"],
  ["GET", "/api/v0/processes/tokens/none"],
  ["POST", "/api/v0/write-file?path=~/a.txt", "one\ntwo\n"],
  ["GET", "/api/v0/read-file?path=~/a.txt&offset=4&limit=3"],
  ["GET", "/api/v0/read-file-lines?path=~/a.txt"],
  ["GET", "/api/v0/read-file-lines?path=~/a.txt&limit=x&other=1"],
  [
    "POST",
    "/api/v0/edit-files",
    `{"files":[{"path":"~/a.txt","edits":[{"search":"two","replace":"2"}]}],"include_diff":true}`,
  ],
  ["POST", "/api/v0/edit-files", `{"files":[{"path":"~/a.txt","edits":[{"search":"three","replace":"3"}]}]}`],
  ["POST", "/api/v0/edit-files", `{"files":[]}`],
  ["GET", "/api/v0/read-file?path=~/none"],
  ["GET", "/api/v0/read-file?path=relative"],
  ["POST", "/api/v0/list-directory?path=~", "{}"],
  ["GET", "/api/v0/resolve-path?path=~/a.txt"],
  ["GET", "/api/v0/git/status?path=~"],
  ["GET", "/api/v0/units"],
  ["POST", "/api/v0/call-tool", "{}"],
];

async function exchanges(): Promise<string> {
  const home = await Deno.realPath(await Deno.makeTempDir({ prefix: "outpost-golden-" }));
  await using agent = await createTestAgent({
    plugins: standardPlugins,
    time: "real",
    env: { PATH: "/usr/bin:/bin", HOME: home },
  });
  const parts: string[] = [];
  let id = "none";
  for (const [method, path, body] of REQUESTS) {
    const target = path.replace("~", home).replace("/ID/", `/${id}/`);
    const response = await agent.fetch(target, { method, body: body?.replaceAll("~/", `${home}/`) });
    const text = await response.text();
    id = /"id":"([0-9a-f-]{36})","started":true/.exec(text)?.[1] ?? id;
    const headers = [...response.headers].filter(([name]) => name !== "x-request-id")
      .map(([name, value]) => `${name}: ${value}`).sort();
    parts.push(
      [`> ${[method, path, body].filter((part) => part).join(" ")}`, response.status, ...headers, "", text].join("\n"),
    );
  }
  await Deno.remove(home, { recursive: true });
  return stable(parts.join("\n"), home);
}

/** Names what differs from run to run. */
function stable(text: string, home: string): string {
  return text.replaceAll(home, "<home>")
    .replaceAll(JSON.stringify(home.split("/").filter((part) => part)).slice(1, -1), '"<home>"')
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uuid>")
    .replace(/"pid":\d+/g, '"pid":"<pid>"')
    .replace(/"(started|exited)_at_unix":\d+/g, '"$1_at_unix":"<time>"')
    .replace(/etag: ".*"/g, 'etag: "<version>"');
}

Deno.test("exchanges with the stock agent are as they were recorded", async () => {
  const now = await exchanges();

  if (Deno.env.get("UPDATE_GOLDEN") === "1") await Deno.writeTextFile(GOLDEN, now);
  assertEquals(now, await Deno.readTextFile(GOLDEN));
});
