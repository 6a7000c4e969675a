/**
 * What watching repositories costs: time from a change to the message, a full scan beside the bare git commands it needs,
 * and processes and processor time of quiet repositories.
 *
 * `deno run -A test/bench/agentgit_bench.ts [files]` prints one JSON line per figure. The large repository has 200,000 files
 * unless told otherwise.
 *
 * @module
 */
import { cpuUsage } from "node:process";

import { systemClock } from "../../core/clock.ts";
import { createTestAgent, type TestAgent, type TestSocket } from "../../core/testing/mod.ts";
import agentgit, { PathActivity } from "../../plugins/agentgit/mod.ts";
import { GIT_ENV, GitRepo } from "../fixtures/git_repo.ts";

const CHAT = "11111111-1111-4111-8111-111111111111";
const LARGE_FILES = Number(Deno.args[0] ?? 200_000);
const FILES_PER_DIRECTORY = 100;
const CHANGES = 20;
/** Longer than the cooldown: what is measured is the way of one change, not the wait for the scan before it. */
const APART_MS = 1_200;
const SCANS = 5;
const QUIET_REPOSITORIES = 50;
const QUIET_MS = 20_000;

if (import.meta.main) {
  await measureChanges();
  await measureFullScan();
  await measureQuiet();
}

async function measureChanges(): Promise<void> {
  await using repo = await repoWith(LARGE_FILES);
  const floor = await median(
    CHANGES,
    () => timed(() => repo.git("--no-optional-locks", "diff", "--", fileName(7))),
  );
  await using agent = await agentWith({});
  agent.service(PathActivity).touched([CHAT], [repo.path(fileName(0))]);
  const socket = await watch(agent);
  await nextChange(socket);

  const told = await changes(agent, socket, repo, (path) => agent.service(PathActivity).touched([CHAT], [path]));
  const seen = await changes(agent, socket, repo, () => {});
  const size = `${LARGE_FILES} files`;
  for (const [name, { times, commands }] of Object.entries({ "told": told, "file-system event": seen })) {
    print(`git change to message, ${size}, ${name}, median`, quantile(times, 0.5), "ms", floor);
    print(`git change to message, ${size}, ${name}, p95`, quantile(times, 0.95), "ms", floor);
    print(`git commands per change, ${size}, ${name}`, commands / CHANGES, "processes");
  }
}

async function changes(agent: TestAgent, socket: TestSocket, repo: GitRepo, tell: (path: string) => void) {
  const times: number[] = [];
  const change = async (index: number) => {
    await systemClock.sleep(APART_MS);
    return await timed(async () => {
      tell(await repo.write(fileName((index * 997) % LARGE_FILES), `${crypto.randomUUID()}\n`));
      await nextChange(socket);
    });
  };
  // The index was written moments ago, when its times prove nothing yet: the first scan looks at everything again.
  await change(CHANGES);
  const before = await agent.metric("agent_agentgit_git_commands") ?? 0;
  for (let i = 0; i < CHANGES; i++) times.push(await change(i));
  return { times, commands: (await agent.metric("agent_agentgit_git_commands") ?? 0) - before };
}

async function measureFullScan(): Promise<void> {
  await using repo = await repoWith(10_000);
  for (let i = 0; i < 1_000; i++) await repo.write(fileName(i), `${crypto.randomUUID()}\n`);
  const floor = await median(SCANS, () =>
    timed(async () => {
      await repo.git("--no-optional-locks", "status", "--porcelain=v2", "--branch", "-z", "--untracked-files=all");
      await repo.git("--no-optional-locks", "diff", "HEAD");
    }));
  await using agent = await agentWith({ fileEvents: false, settleMs: 0, cooldownMs: 0, fullScanBudgetMs: 3_600_000 });
  agent.service(PathActivity).touched([CHAT], [repo.path(fileName(0))]);
  const socket = await watch(agent);
  await nextChange(socket);

  const scan = await median(SCANS, async () => {
    await repo.write(fileName(0), `${crypto.randomUUID()}\n`);
    return await timed(async () => {
      socket.send(JSON.stringify({ type: "refresh" }));
      await nextChange(socket);
    });
  });
  print("git full scan to message, 10000 files, 1000 of them changed", scan, "ms", floor);
}

async function measureQuiet(): Promise<void> {
  const repos = await Promise.all(Array.from({ length: QUIET_REPOSITORIES }, () => repoWith(20)));
  try {
    await using agent = await agentWith({ pollMs: 5_000 });
    agent.service(PathActivity).touched([CHAT], repos.map((repo) => repo.path(fileName(0))));
    const socket = await watch(agent);
    for (let seen = 0; seen < repos.length; seen += await nextChange(socket));
    await socket.next(); // One more poll, so that nothing of the start is left.

    const before = await agent.metric("agent_agentgit_git_commands") ?? 0;
    const start = cpuUsage();
    await systemClock.sleep(QUIET_MS);
    const used = cpuUsage(start);
    const commands = (await agent.metric("agent_agentgit_git_commands") ?? 0) - before;
    const perMinute = 60_000 / QUIET_MS;
    print(`git processes, ${QUIET_REPOSITORIES} quiet repositories`, commands * perMinute, "per minute");
    const cpuMs = (used.user + used.system) / 1000;
    print(`processor time, ${QUIET_REPOSITORIES} quiet repositories`, cpuMs * perMinute, "ms per minute");
  } finally {
    for (const repo of repos) await repo[Symbol.asyncDispose]();
  }
}

function agentWith(config: Readonly<Record<string, unknown>>): Promise<TestAgent> {
  const env = { PATH: Deno.env.get("PATH") ?? "", HOME: "/nonexistent", ...GIT_ENV };
  return createTestAgent({ plugins: [agentgit], config: { agentgit: config }, env, time: "real" });
}

function watch(agent: TestAgent): Promise<TestSocket> {
  return agent.webSocket(`/api/v0/git/watch?chat_id=${CHAT}`);
}

/** Waits for a message about repositories; returns how many. */
async function nextChange(socket: TestSocket): Promise<number> {
  while (true) {
    const { repositories } = await socket.nextJson() as { repositories?: readonly unknown[] };
    if (repositories) return repositories.length;
  }
}

async function repoWith(files: number): Promise<GitRepo> {
  const repo = await GitRepo.create();
  for (let i = 0; i < files; i++) {
    const path = repo.path(fileName(i));
    if (i % FILES_PER_DIRECTORY === 0) Deno.mkdirSync(path.slice(0, path.lastIndexOf("/")), { recursive: true });
    Deno.writeTextFileSync(path, `${i}\nline\n`);
  }
  await repo.commit({});
  return repo;
}

function fileName(index: number): string {
  return `d${Math.floor(index / FILES_PER_DIRECTORY)}/f${index}.txt`;
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

async function median(count: number, measure: () => Promise<number>): Promise<number> {
  const values: number[] = [];
  for (let i = 0; i < count; i++) values.push(await measure());
  return quantile(values, 0.5);
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * q))]!;
}

function print(name: string, value: number, unit: string, floor?: number): void {
  const round = (number: number) => Math.round(number * 100) / 100;
  const compared = floor === undefined ? {} : { floor: round(floor), ratio: round(value / floor) };
  console.log(JSON.stringify({ name, value: round(value), unit, ...compared }));
}
