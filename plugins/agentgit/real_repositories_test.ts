/**
 * Repositories as they are found in the wild: large, many, read-only, and taken away while they are watched.
 *
 * @module
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { createTestAgent, type TestAgent, type TestSocket } from "../../core/testing/mod.ts";
import { GIT_ENV, GitRepo } from "../../test/fixtures/git_repo.ts";
import agentgit, { PathActivity } from "./mod.ts";

const CHAT = "11111111-1111-4111-8111-111111111111";
const MIB = 1024 * 1024;

interface Repository {
  readonly repo_root: string;
  readonly branch: string;
  readonly unified_diff?: string;
  readonly removed?: boolean;
  readonly truncated?: boolean;
}

function agentWith(config: Readonly<Record<string, unknown>> = {}): Promise<TestAgent> {
  return createTestAgent({
    plugins: [agentgit],
    config: { agentgit: { settleMs: 0, cooldownMs: 0, fileEvents: false, ...config } },
    env: { PATH: Deno.env.get("PATH") ?? "", HOME: "/nonexistent", ...GIT_ENV },
  });
}

function watch(agent: TestAgent): Promise<TestSocket> {
  return agent.webSocket(`/api/v0/git/watch?chat_id=${CHAT}`);
}

/** The next repositories that a message tells of. */
async function nextChanges(socket: TestSocket): Promise<readonly Repository[]> {
  while (true) {
    const { repositories = [] } = await socket.nextJson() as { readonly repositories?: readonly Repository[] };
    if (repositories.length > 0) return repositories;
  }
}

async function status(agent: TestAgent, path: string) {
  const response = await agent.get(`/api/v0/git/status?path=${encodeURIComponent(path)}`);
  return { status: response.status, body: await response.json() };
}

Deno.test("a repository of 10,000 files, 1,000 of them changed, is told of whole, and the next edit in it too", async () => {
  await using repo = await GitRepo.create();
  const name = (index: number) => `d${Math.floor(index / 100)}/f${index}.txt`;
  for (let index = 0; index < 10_000; index++) {
    if (index % 100 === 0) Deno.mkdirSync(repo.path(`d${index / 100}`));
    Deno.writeTextFileSync(repo.path(name(index)), `${index}\nline\n`);
  }
  await repo.commit({});
  for (let index = 0; index < 1_000; index++) Deno.writeTextFileSync(repo.path(name(index)), "changed\n");
  await using agent = await agentWith();
  agent.service(PathActivity).touched([CHAT], [repo.path(name(0))]);
  const socket = await watch(agent);

  const [first] = await nextChanges(socket);
  agent.service(PathActivity).touched([CHAT], [await repo.write(name(9_999), "edited\n")]);
  const [second] = await nextChanges(socket);

  const files = (repository?: Repository) => repository?.unified_diff?.match(/^diff --git /gm)?.length;
  assertEquals([files(first), files(second), first?.truncated], [1_000, 1_001, undefined]);
  assertStringIncludes(second?.unified_diff ?? "", "+edited\n");
});

Deno.test("GET /diff of a part of a repository with a large index leaves out the rest, for any commit", async () => {
  // Long names fill the index with few files.
  const name = (index: number) => `d${index % 2}/${"x".repeat(240)}${index}`;
  await using repo = await GitRepo.create();
  for (const directory of ["d0", "d1"]) Deno.mkdirSync(repo.path(directory));
  for (let index = 0; index < 4_000; index++) Deno.writeTextFileSync(repo.path(name(index)), "1\n");
  await repo.commit({});
  await repo.git("tag", "start");
  await repo.commit({ [name(0)]: "2\n", [name(1)]: "2\n" });
  for (const index of [2, 3]) await repo.write(name(index), "2\n");
  await using agent = await agentWith();
  const diff = async (query: string) => {
    const response = await agent.get(`/api/v0/git/diff?path=${repo.path("d0")}${query}`);
    const { unified_diff } = await response.json();
    return unified_diff.match(/^diff --git .*$/gm).map((line: string) => Number(/\d+$/.exec(line)));
  };

  assert((await Deno.stat(repo.path(".git/index"))).size > MIB);
  assertEquals([await diff(""), await diff("&base=start")], [[2], [0, 2]]);
  await repo.git("add", "-A");
  assertEquals(await diff(""), [2]);
});

Deno.test("a diff of 300 MiB comes as a message of at most 4 MiB that names every file, and memory stays bounded", async () => {
  await using repo = await GitRepo.create({ small: "1\n" });
  const line = `${"x".repeat(63)}\n`;
  const content = new TextEncoder().encode(line.repeat(3 * MIB / line.length));
  for (let index = 0; index < 100; index++) await repo.write(`f${index}`, content);
  await repo.write("small", "2\n");
  await using agent = await agentWith({ progressFromBytes: MIB, maxProgressBytes: 8 * MIB });
  agent.service(PathActivity).touched([CHAT], [repo.path("small")]);
  const before = Deno.memoryUsage().rss;
  const socket = await watch(agent);

  let [longest, progress] = [0, 0];
  let snapshot: Repository | undefined;
  while (snapshot === undefined) {
    const text = String(await socket.next());
    longest = Math.max(longest, new TextEncoder().encode(text).length);
    const message = JSON.parse(text);
    if (message.type === "progress") progress += (message.unified_diff_chunk ?? "").length;
    snapshot = message.repositories?.[0];
  }
  const grown = Deno.memoryUsage().rss - before;

  assertEquals([snapshot.truncated, snapshot.branch], [true, "main"]);
  assertEquals(snapshot.unified_diff?.match(/^diff --git /gm)?.length, 101);
  assertStringIncludes(snapshot.unified_diff ?? "", "Total diff too large to show");
  assertStringIncludes(snapshot.unified_diff ?? "", "-1\n+2\n");
  assert(longest <= 4 * MIB, `the longest message has ${longest} bytes`);
  assert(progress <= 8 * MIB, `${progress} characters of progress`);
  assert(grown < 200 * MIB, `memory grew by ${grown} bytes`);
});

Deno.test("50 repositories on one watch are each told of once, and again when they change", async () => {
  const repos = await Promise.all(Array.from({ length: 50 }, () => GitRepo.create({ a: "1\n" })));
  try {
    await using agent = await agentWith();
    const activity = agent.service(PathActivity);
    activity.touched([CHAT], repos.map((repo) => repo.path("a")));
    const socket = await watch(agent);
    const roots: string[] = [];
    while (roots.length < repos.length) roots.push(...(await nextChanges(socket)).map(({ repo_root }) => repo_root));

    activity.touched([CHAT], [await repos[17]!.write("a", "2\n")]);
    const changes = await nextChanges(socket);

    assertEquals(roots.toSorted(), repos.map((repo) => repo.root).toSorted());
    assertEquals(changes.map(({ repo_root }) => repo_root), [repos[17]!.root]);
  } finally {
    for (const repo of repos) await repo[Symbol.asyncDispose]();
  }
});

Deno.test("a worktree that is removed while it is watched is told of as gone, once, and its repository goes on", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  const tree = `${repo.root}-tree`;
  await repo.git("worktree", "add", "-q", "-b", "side", tree);
  try {
    await using agent = await agentWith();
    const activity = agent.service(PathActivity);
    activity.touched([CHAT], [repo.path("a"), `${tree}/a`]);
    const socket = await watch(agent);
    const first: Repository[] = [];
    while (first.length < 2) first.push(...await nextChanges(socket));

    await repo.git("worktree", "remove", "--force", tree);
    socket.send(JSON.stringify({ type: "refresh" }));
    const gone = await nextChanges(socket);
    activity.touched([CHAT], [await repo.write("a", "2\n")]);
    const after = await nextChanges(socket);

    assertEquals(first.map(({ branch }) => branch).toSorted(), ["main", "side"]);
    assertEquals(gone, [{ repo_root: tree, branch: "", removed: true }]);
    assertEquals(after.map(({ repo_root }) => repo_root), [repo.root]);
  } finally {
    await Deno.remove(tree, { recursive: true }).catch(() => {}); // It is gone when all went well.
  }
});

Deno.test("a file that is too large for the diff is told of again when it changes again", async () => {
  await using repo = await GitRepo.create({ large: "1\n" });
  await using agent = await agentWith();
  const large = (text: string) => repo.write("large", text.repeat(4 * MIB / text.length));
  agent.service(PathActivity).touched([CHAT], [await large("one\n")]);
  const socket = await watch(agent);

  const [first] = await nextChanges(socket);
  agent.service(PathActivity).touched([CHAT], [await large("two\n")]);
  const [second] = await nextChanges(socket);

  assertEquals([first?.truncated, second?.truncated], [true, true]);
  assert(first?.unified_diff !== second?.unified_diff);
});

Deno.test("a repository on a read-only mount is shown, watched and compared", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await repo.write("a", "2\n");
  await repo.write("new", "n\n");
  await using place = await GitRepo.folder();
  const mounted = await mountReadOnly(repo.root, place.root);
  const root = mounted ? place.root : repo.root;
  try {
    await using agent = await agentWith({ fileEvents: true });
    agent.service(PathActivity).touched([CHAT], [`${root}/a`]);
    const socket = await watch(agent);

    const [shown] = await nextChanges(socket);
    const { status: code, body } = await status(agent, root);

    assertEquals([shown?.repo_root, shown?.branch], [root, "main"]);
    assertStringIncludes(shown?.unified_diff ?? "", "-1\n+2\n");
    assertStringIncludes(shown?.unified_diff ?? "", "b/new");
    assertEquals([code, body.files.map(({ path }: { path: string }) => path)], [200, ["a", "new"]]);
  } finally {
    if (mounted) await new Deno.Command("umount", { args: [place.root] }).output();
    else await new Deno.Command("chmod", { args: ["-R", "u+w", repo.root] }).output();
  }
});

/** Where mounting is not allowed, the files are made read-only instead; returns whether it was. */
async function mountReadOnly(from: string, to: string): Promise<boolean> {
  const { success } = await new Deno.Command("mount", { args: ["--bind", "-o", "ro", from, to], stderr: "null" })
    .output();
  if (!success) await new Deno.Command("chmod", { args: ["-R", "a-w", from] }).output();
  return success;
}
