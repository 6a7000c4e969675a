import { assert, assertEquals, assertFalse, assertMatch, assertStringIncludes } from "@std/assert";

import { conformance, createTestAgent, type TestAgent, type TestSocket } from "../../core/testing/mod.ts";
import { GIT_ENV, GitRepo } from "../../test/fixtures/git_repo.ts";
import agentgit, { PathActivity } from "./mod.ts";

const CHAT = "11111111-1111-4111-8111-111111111111";
const CHILD = "22222222-2222-4222-8222-222222222222";

interface Repository {
  readonly repo_root: string;
  readonly branch: string;
  readonly unified_diff?: string;
  readonly remote_origin?: string;
  readonly removed?: boolean;
  readonly truncated?: boolean;
}
interface Message {
  readonly type: string;
  readonly scanned_at?: string;
  readonly repositories?: readonly Repository[];
  readonly message?: string;
}

interface Setup {
  readonly config?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly directory?: string;
}

/** An agent whose scans start without pauses and, unless asked for, without file-system events. */
function agentWith({ config, env, directory }: Setup = {}): Promise<TestAgent> {
  return createTestAgent({
    plugins: [agentgit],
    config: { agentgit: { settleMs: 0, cooldownMs: 0, fileEvents: false, ...config } },
    agent: directory === undefined ? {} : { directory },
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: "/nonexistent", ...GIT_ENV, ...env },
  });
}

function watch(agent: TestAgent, chat = CHAT): Promise<TestSocket> {
  return agent.webSocket(`/api/v0/git/watch?chat_id=${chat}`);
}

async function next(socket: TestSocket): Promise<Message> {
  return await socket.nextJson() as Message;
}

/** The next message that says something about a repository. */
async function nextChange(socket: TestSocket): Promise<Repository> {
  while (true) {
    const [repository] = (await next(socket)).repositories ?? [];
    if (repository) return repository;
  }
}

conformance(agentgit);

Deno.test("GET /watch sends the state of a repository that the chat touched before", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await repo.git("remote", "add", "origin", "https://example.org/r.git");
  await using agent = await agentWith();
  agent.service(PathActivity).touched([CHAT], [await repo.write("a", "2\n")]);

  const message = await next(await watch(agent));

  const [repository] = message.repositories ?? [];
  assertEquals([message.type, message.scanned_at], ["changes", new Date(agent.clock.now()).toISOString()]);
  assertEquals([repository?.repo_root, repository?.branch], [repo.root, "main"]);
  assertEquals(repository?.remote_origin, "https://example.org/r.git");
  assertStringIncludes(repository?.unified_diff ?? "", "-1\n+2\n");
});

Deno.test("GET /watch tells of paths that are touched after it connected", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith();
  const socket = await watch(agent);

  agent.service(PathActivity).touched([CHAT], [await repo.write("new.txt", "n\n")]);

  assertStringIncludes((await nextChange(socket)).unified_diff ?? "", "b/new.txt");
});

Deno.test("GET /watch rescans when a known path is touched again", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith();
  const socket = await watch(agent);
  const activity = agent.service(PathActivity);

  activity.touched([CHAT], [await repo.write("a", "2\n")]);
  const first = await nextChange(socket);
  activity.touched([CHAT], [await repo.write("a", "3\n")]);
  const second = await nextChange(socket);

  assertStringIncludes(first.unified_diff ?? "", "+2\n");
  assertStringIncludes(second.unified_diff ?? "", "+3\n");
});

Deno.test("GET /watch of a parent chat sees what its child touches, and another chat does not", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith();
  const [parent, other] = [await watch(agent, CHAT), await watch(agent, crypto.randomUUID())];

  agent.service(PathActivity).touched([CHILD, CHAT], [await repo.write("a", "2\n")]);

  assertEquals((await nextChange(parent)).repo_root, repo.root);
  other.send(JSON.stringify({ type: "hello" }));
  assertEquals((await next(other)).type, "error");
});

Deno.test("GET /watch keeps the state of each connection apart", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith();
  agent.service(PathActivity).touched([CHAT], [await repo.write("a", "2\n")]);
  const one = await watch(agent);
  await nextChange(one);

  const two = await watch(agent);

  assertStringIncludes((await nextChange(two)).unified_diff ?? "", "+2\n");
});

Deno.test("GET /watch tells of several repositories and adds them one by one", async () => {
  await using first = await GitRepo.create({ a: "1\n" });
  await using second = await GitRepo.create({ a: "1\n" });
  await using third = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith();
  const activity = agent.service(PathActivity);
  activity.touched([CHAT], [first.path("a"), second.path("a")]);
  const socket = await watch(agent);
  const both = (await next(socket)).repositories?.map((repository) => repository.repo_root);

  activity.touched([CHAT], [third.path("a")]);

  assertEquals(both?.toSorted(), [first.root, second.root].toSorted());
  assertEquals((await nextChange(socket)).repo_root, third.root);
});

Deno.test("GET /watch finds the one repository among 500 paths", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using folder = await GitRepo.folder();
  await using agent = await agentWith();
  const paths = Array.from({ length: 499 }, (_, index) => folder.path(`d${index}`, "f"));
  agent.service(PathActivity).touched([CHAT], [...paths, "relative", repo.path("a")]);

  const message = await next(await watch(agent));

  assertEquals(message.repositories?.map((repository) => repository.repo_root), [repo.root]);
});

Deno.test("GET /watch answers a refresh with a scan, and with no repositories when nothing changed", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith();
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  const first = await next(socket);

  socket.send(JSON.stringify({ type: "refresh" }));
  const second = await next(socket);
  await repo.write("a", "2\n");
  socket.send(JSON.stringify({ type: "refresh" }));
  const third = await next(socket);

  assertEquals(first.repositories, [{ repo_root: repo.root, branch: "main" }]);
  assertEquals([second.type, second.repositories], ["changes", undefined]);
  assert(second.scanned_at);
  assertStringIncludes(third.repositories?.[0]?.unified_diff ?? "", "+2\n");
});

Deno.test("GET /watch answers unknown messages with an error and goes on", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith();
  const socket = await watch(agent);

  socket.send(JSON.stringify({ type: "subscribe" }));
  const answer = await next(socket);
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);

  assertEquals(answer.type, "error");
  assertMatch(answer.message ?? "", /unknown/);
  assertEquals((await nextChange(socket)).repo_root, repo.root);
});

Deno.test("GET /watch ends when the client sends something that is no message", async () => {
  await using agent = await agentWith();
  const [text, bytes] = [await watch(agent), await watch(agent)];

  text.send("{");
  bytes.send(new Uint8Array([1]));

  await text.closed;
  await bytes.closed;
});

Deno.test("GET /watch without a valid chat watches nothing and answers messages", async () => {
  await using agent = await agentWith({ directory: "/" });
  for (const query of ["", "?chat_id=nonsense"]) {
    const socket = await agent.webSocket(`/api/v0/git/watch${query}`);

    socket.send(JSON.stringify({ type: "refresh" }));
    socket.send(JSON.stringify({ type: "?" }));

    assertEquals((await next(socket)).type, "error");
  }
});

Deno.test("GET /watch sends nothing while no repository is known", async () => {
  await using folder = await GitRepo.folder();
  await using agent = await agentWith({ directory: folder.root });
  const socket = await watch(agent);

  agent.service(PathActivity).touched([CHAT], [folder.path("x")]);
  socket.send(JSON.stringify({ type: "refresh" }));
  await agent.clock.advance(120_000);
  socket.send(JSON.stringify({ type: "?" }));

  assertEquals((await next(socket)).type, "error");
});

Deno.test("GET /watch falls back to the agent's directory for a chat that touched nothing", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith({ directory: repo.root });

  assertEquals((await nextChange(await watch(agent))).repo_root, repo.root);
});

Deno.test("GET /watch tells once that a repository is gone, and finds a new one in its place", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith();
  const activity = agent.service(PathActivity);
  activity.touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  await nextChange(socket);

  await Deno.remove(repo.path(".git"), { recursive: true });
  socket.send(JSON.stringify({ type: "refresh" }));
  const gone = await nextChange(socket);
  await repo.git("init", "-q", "-b", "again");
  activity.touched([CHAT], [repo.path("a")]);

  assertEquals(gone, { repo_root: repo.root, branch: "", removed: true });
  assertEquals((await nextChange(socket)).branch, "again");
});

Deno.test("GET /watch looks for changes by itself after the poll interval", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith({ config: { pollMs: 30_000 } });
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  await nextChange(socket);
  await repo.write("a", "2\n");

  await agent.clock.untilSleeping();
  await agent.clock.advance(30_000);

  assertStringIncludes((await next(socket)).repositories?.[0]?.unified_diff ?? "", "+2\n");
});

Deno.test("GET /watch does not poll when a scan ran within the interval", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith({ config: { pollMs: 30_000 } });
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  const first = await next(socket);
  await agent.clock.advance(20_000);
  socket.send(JSON.stringify({ type: "refresh" }));
  const second = await next(socket);
  await agent.clock.untilSleeping();
  await agent.clock.advance(29_999);
  await agent.clock.advance(1);
  const third = await next(socket);

  const times = [first, second, third].map((message) => Date.parse(message.scanned_at ?? ""));
  assertEquals(times.map((time) => time - times[0]!), [0, 20_000, 50_000]);
});

Deno.test("GET /watch rests for the cooldown between scans and joins what comes meanwhile", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith({ config: { cooldownMs: 1000 } });
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  const first = await next(socket);
  for (let i = 0; i < 5; i++) agent.service(PathActivity).touched([CHAT], [await repo.write("a", `${i}\n`)]);

  await agent.clock.untilSleeping();
  await agent.clock.advance(999);
  await agent.clock.advance(1);
  const second = await next(socket);

  assertEquals(Date.parse(second.scanned_at!) - Date.parse(first.scanned_at!), 1000);
  assertStringIncludes(second.repositories?.[0]?.unified_diff ?? "", "+4\n");
});

for (const jumpMs of [-3_600_000, 3_600_000]) {
  Deno.test(`GET /watch scans after its cooldown and its poll when the machine's clock is set by ${jumpMs} ms`, async () => {
    await using repo = await GitRepo.create({ a: "1\n" });
    await using agent = await agentWith({ config: { cooldownMs: 1000 } });
    agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
    const socket = await watch(agent);
    await next(socket);

    agent.clock.jump(jumpMs);
    agent.service(PathActivity).touched([CHAT], [await repo.write("a", "2\n")]);
    await agent.clock.untilSleeping();
    await agent.clock.advance(1000);
    const second = await next(socket);
    agent.clock.jump(jumpMs);
    await agent.clock.advance(30_000);
    const third = await next(socket);

    assertStringIncludes(second.repositories?.[0]?.unified_diff ?? "", "+2\n");
    assertEquals(third.repositories, undefined);
  });
}

Deno.test("GET /watch ends promptly while it waits for the poll or the cooldown", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith({ config: { cooldownMs: 1000 } });
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const [polling, resting] = [await watch(agent), await watch(agent)];
  for (const socket of [polling, resting]) await next(socket);
  resting.send(JSON.stringify({ type: "refresh" }));

  for (const socket of [polling, resting]) {
    socket.close();
    await socket.closed;
  }

  await agent.stop();
  assertEquals(agent.clock.sleeping, 0);
});

Deno.test("GET /watch is closed with 1001 when the agent stops", async () => {
  await using agent = await agentWith();
  const socket = await watch(agent);

  await agent.stop();

  assertEquals((await socket.closed).code, 1001);
});

Deno.test("GET /watch sends a large diff piece by piece before the snapshot", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith({ config: { progressFromBytes: 1000 } });
  const content = Array.from({ length: 20_000 }, (_, index) => `line ${index}\n`).join("");
  agent.service(PathActivity).touched([CHAT], [await repo.write("large", content)]);
  const socket = await watch(agent);

  const parts: Record<string, unknown>[] = [];
  let message = await next(socket) as unknown as Record<string, unknown>;
  for (; message.type === "progress"; message = await next(socket) as unknown as Record<string, unknown>) {
    parts.push(message);
  }

  const snapshot = (message as unknown as Message).repositories?.[0];
  assertEquals(parts.map((part) => part.unified_diff_chunk ?? "").join(""), snapshot?.unified_diff);
  assertEquals(parts.map((part) => part.reset === true), parts.map((_, index) => index === 0));
  assertEquals(parts.at(-1)?.complete, true);
  assertEquals([parts.at(-1)?.processed_files, parts.at(-1)?.total_files], [1, 1]);
  assertEquals([parts[0]?.repo_root, parts[0]?.branch], [repo.root, "main"]);
});

Deno.test("GET /watch keeps every message below 4 MiB", async () => {
  await using one = await GitRepo.create({ a: "1\n" });
  await using two = await GitRepo.create({ a: "1\n" });
  await using three = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith({ config: { progressFromBytes: 1 << 30 } });
  // Control characters take six bytes each in JSON.
  const content = "\x01".repeat(1000).concat("\n").repeat(1500);
  const activity = agent.service(PathActivity);
  for (const repo of [two, three]) activity.touched([CHAT], [await repo.write("a", "text ".repeat(500_000))]);
  activity.touched([CHAT], [await one.write("odd", content)]);
  const socket = await watch(agent);

  const messages: string[] = [];
  const repositories: Repository[] = [];
  while (repositories.length < 3) {
    messages.push(String(await socket.next()));
    repositories.push(...(JSON.parse(messages.at(-1)!) as Message).repositories ?? []);
  }

  assert(messages.every((message) => new TextEncoder().encode(message).length <= 4 * 1024 * 1024));
  assertEquals(
    repositories.map((repository) => [repository.repo_root, repository.truncated]).toSorted(),
    [
      [one.root, true],
      [two.root, undefined],
      [three.root, undefined],
    ].toSorted(),
  );
  assert(messages.length > 1);
});

Deno.test("file-system events show edits, new directories and commits that nobody told of", async () => {
  await using repo = await GitRepo.create({ a: "1\n", "d/b": "1\n" });
  await using agent = await agentWith({ config: { fileEvents: true } });
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  await nextChange(socket);

  await repo.write("d/b", "2\n");
  const edit = await nextChange(socket);
  await repo.write("x/y/z", "n\n");
  const added = await nextChange(socket);
  await repo.git("add", "-A");
  await repo.git("commit", "-q", "-m", "all");
  let clean = await nextChange(socket);
  while (clean.unified_diff) clean = await nextChange(socket);
  await repo.write("x/y/z", "m\n");
  const again = await nextChange(socket);

  assertStringIncludes(edit.unified_diff ?? "", "b/d/b");
  assertStringIncludes(added.unified_diff ?? "", "b/x/y/z");
  assertStringIncludes(again.unified_diff ?? "", "-n\n+m\n");
});

Deno.test("file-system events make polling needless: a quiet repository starts no git command", async () => {
  await using repo = await GitRepo.create({ a: "1\n", "d/b": "1\n" });
  await using agent = await agentWith({ config: { fileEvents: true } });
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  await nextChange(socket);
  const before = await agent.metric("agent_agentgit_git_commands");

  const quiet: Message[] = [];
  for (let polls = 0; polls < 10; polls++) {
    await agent.clock.untilSleeping();
    await agent.clock.advance(30_000);
    quiet.push(await next(socket));
  }

  assertEquals(await agent.metric("agent_agentgit_git_commands"), before);
  assertEquals(quiet.map((message) => [message.type, message.repositories]), quiet.map(() => ["changes", undefined]));
});

Deno.test("file-system events of ignored files start no scan", async () => {
  await using repo = await GitRepo.create({ a: "1\n", ".gitignore": "*.log\n" });
  await using agent = await agentWith({ config: { fileEvents: true } });
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  await nextChange(socket);

  for (let i = 0; i < 20; i++) await repo.write("x.log", `${i}\n`);
  await repo.write("a", "2\n");
  const message = await next(socket);

  assertStringIncludes(message.repositories?.[0]?.unified_diff ?? "", "b/a");
});

Deno.test("a repository with more directories than the budget is polled as well", async () => {
  await using repo = await GitRepo.create({ "d1/a": "1\n", "d2/a": "1\n", "d3/a": "1\n" });
  await using agent = await agentWith({ config: { fileEvents: true, maxWatchedDirectories: 6 } });
  agent.service(PathActivity).touched([CHAT], [repo.path("d1/a")]);
  const socket = await watch(agent);
  await nextChange(socket);
  await repo.write("d3/a", "2\n");

  await agent.clock.untilSleeping();
  await agent.clock.advance(30_000);

  assertStringIncludes((await nextChange(socket)).unified_diff ?? "", "b/d3/a");
});

Deno.test("a repository with submodules is polled as well", async () => {
  await using source = await GitRepo.create({ s: "1\n" });
  await using repo = await GitRepo.create({ a: "1\n" });
  await repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", source.root, "sub");
  await repo.git("commit", "-q", "-m", "sub");
  await using agent = await agentWith({ config: { fileEvents: true } });
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  await nextChange(socket);
  await repo.write("sub/s", "2\n");

  await agent.clock.untilSleeping();
  await agent.clock.advance(30_000);

  assertStringIncludes((await nextChange(socket)).unified_diff ?? "", "-dirty");
});

Deno.test("the start looks for git and does not run it", async () => {
  await using agent = await agentWith();
  await using without = await agentWith({ config: { gitProgram: "/no-such-directory/git" } });

  assertEquals(await agent.metric("agent_agentgit_git_commands"), 0);
  assert(agent.health("agentgit").ok);
  assertStringIncludes(without.health("agentgit").reason ?? "", "git was not found");
});

Deno.test("without git, watching connects and stays silent, and health and routes say why", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using agent = await agentWith({ config: { gitProgram: "no-such-git" } });
  agent.service(PathActivity).touched([CHAT], [repo.path("a")]);
  const socket = await watch(agent);
  socket.send(JSON.stringify({ type: "refresh" }));
  await agent.clock.advance(60_000);
  socket.send(JSON.stringify({ type: "?" }));
  const answer = await next(socket);
  const status = await agent.get(`/api/v0/git/status?path=${repo.root}`);

  assertEquals(answer.type, "error");
  assertFalse(agent.health("agentgit").ok);
  assertStringIncludes(agent.health("agentgit").reason ?? "", "git was not found");
  assertEquals(agent.logs("warn").filter((line) => line.message === "git was not found").length, 1);
  assertEquals([status.status, (await status.json()).code], [503, "agentgit_git_missing"]);
});

Deno.test("GET /show returns a file of a commit", async () => {
  await using repo = await GitRepo.create({ "d/ü.txt": "grün\n" });
  await repo.write("d/ü.txt", "later\n");
  await using agent = await agentWith();

  const query = new URLSearchParams({ repo_root: repo.root, path: "d/ü.txt", ref: "main" });
  const answer = await agent.get(`/api/v0/git/show?${query}`);

  assertEquals([answer.status, await answer.json()], [200, { contents: "grün\n" }]);
});

Deno.test("GET /show tells apart what is missing, what is no repository and what cannot be shown", async () => {
  await using repo = await GitRepo.create({
    a: "1\n",
    "d/a": "1\n",
    binary: "a\0b",
    large: "x".repeat(512 * 1024 + 1),
  });
  await using folder = await GitRepo.folder();
  await using agent = await agentWith();
  const cases: readonly (readonly [Record<string, string>, number])[] = [
    [{ path: "a", ref: "HEAD" }, 200],
    [{ path: "missing", ref: "HEAD" }, 404],
    [{ path: "d", ref: "HEAD" }, 404],
    [{ path: "a", ref: "no-such-branch" }, 404],
    [{ path: "binary", ref: "HEAD" }, 422],
    [{ path: "large", ref: "HEAD" }, 422],
    [{ path: "a", ref: "HEAD", repo_root: folder.root }, 400],
    [{ path: "a", ref: "HEAD", repo_root: repo.path("d") }, 400],
    [{ path: "../a", ref: "HEAD" }, 400],
    [{ path: "a", ref: "--textconv" }, 400],
    [{ path: "", ref: "HEAD" }, 400],
  ];
  for (const [parameters, status] of cases) {
    const query = new URLSearchParams({ repo_root: repo.root, ...parameters });
    const answer = await agent.get(`/api/v0/git/show?${query}`);
    await answer.body?.cancel();

    assertEquals(answer.status, status, JSON.stringify(parameters));
  }
});

Deno.test("GET /status lists files with size, and says which are binary", async () => {
  await using repo = await GitRepo.create({ a: "1\n", gone: "1\n" });
  await repo.write("a", "22\n");
  await repo.write("new/binary", "a\0b");
  await Deno.remove(repo.path("gone"));
  await using agent = await agentWith();

  const report = await (await agent.get(`/api/v0/git/status?path=${repo.path("new/binary")}`)).json();
  const whole = await (await agent.get(`/api/v0/git/status?path=${repo.root}`)).json();

  assertEquals(report.files, [{ path: "new/binary", status: "??", size: 3, binary: true }]);
  assertEquals([whole.repo_root, whole.branch, whole.remote_origin], [repo.root, "main", ""]);
  assertEquals(whole.files, [
    { path: "a", status: ".M", size: 3, binary: false },
    { path: "gone", status: ".D", binary: false },
    { path: "new/binary", status: "??", size: 3, binary: true },
  ]);
});

Deno.test("GET /diff compares with any commit and includes untracked files", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await repo.git("tag", "start");
  await repo.commit({ a: "2\n" });
  await repo.write("new", "n\n");
  await using agent = await agentWith();
  const diff = async (query: string) => await (await agent.get(`/api/v0/git/diff?path=${repo.root}${query}`)).json();

  const [head, start, missing] = [await diff(""), await diff("&base=start"), await diff("&base=nothing")];

  assertFalse(head.unified_diff.includes("b/a"));
  assertStringIncludes(head.unified_diff, "b/new");
  assertStringIncludes(start.unified_diff, "-1\n+2\n");
  assertEquals([start.base, start.truncated, start.total_bytes], ["start", false, start.unified_diff.length]);
  assertEquals(missing.code, "not_found");
});

Deno.test("GET /status and GET /diff answer 400 outside of repositories", async () => {
  await using folder = await GitRepo.folder();
  await using agent = await agentWith();
  for (const route of ["status", "diff"]) {
    const answer = await agent.get(`/api/v0/git/${route}?path=${folder.root}`);

    assertEquals([answer.status, (await answer.json()).code], [400, "bad_request"]);
  }
});

Deno.test("GET /diff of a part leaves out the rest, whether something is staged or another commit is asked for", async () => {
  await using repo = await GitRepo.create({ "d/a": "1\n", "d/b": "1\n", c: "1\n" });
  await repo.git("tag", "start");
  await repo.commit({ "d/a": "2\n", c: "2\n" });
  await repo.write("d/b", "2\n");
  await repo.write("c", "3\n");
  await using agent = await agentWith();
  const diff = async (query: string) => {
    const { unified_diff } = await (await agent.get(`/api/v0/git/diff?path=${repo.path("d")}${query}`)).json();
    return unified_diff.match(/^diff --git .*$/gm).map((line: string) => line.split(" b/")[1]);
  };

  const unstaged = await diff("");
  const other = await diff("&base=start");
  await repo.write("d/new", "n\n");
  await repo.git("add", "d/new", "c");
  const staged = await diff("");

  assertEquals([unstaged, other, staged], [["d/b"], ["d/a", "d/b"], ["d/b", "d/new"]]);
});
