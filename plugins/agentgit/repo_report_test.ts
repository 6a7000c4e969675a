import { assertEquals } from "@std/assert";

import { Spawner } from "../../core/exec/spawner.ts";
import type { Exec } from "../../core/plugin.ts";
import { GIT_ENV, GitRepo } from "../../test/fixtures/git_repo.ts";
import { Git } from "./git_command.ts";
import { reportDiff, reportStatus } from "./repo_report.ts";
import { showFile } from "./show_file.ts";

const never = new AbortController().signal;

/** Git as the plugin runs it, and the signals its commands would end by. */
class WatchedGit implements AsyncDisposable {
  readonly signals: (AbortSignal | undefined)[] = [];
  readonly #processes = new Spawner({ processEnv: { HOME: "/" } }).scope("test", {
    build: (layers) =>
      Promise.resolve({ PATH: Deno.env.get("PATH") ?? "", HOME: "/", ...GIT_ENV, ...layers?.overrides }),
  });
  readonly #exec: Pick<Exec, "spawn"> = {
    spawn: (options) => {
      this.signals.push(options.signal);
      return this.#processes.spawn(options);
    },
  };
  readonly git = new Git({ exec: this.#exec as Exec, maxComparedFileBytes: 1024 * 1024 });

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#processes[Symbol.asyncDispose]();
  }
}

Deno.test("every git command of an answer ends with the request", async () => {
  await using watched = new WatchedGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  await repo.write("a", "2\n");
  await repo.git("add", "-A");
  await repo.write("new", "3\n");
  const { git, signals } = watched;
  const answers = [
    (signal: AbortSignal) => reportStatus(git, repo.root, signal),
    (signal: AbortSignal) => reportDiff(git, repo.root, { base: "HEAD", maxBytes: 1024 * 1024, signal }),
    (signal: AbortSignal) => showFile(git, { repoRoot: repo.root, path: "a", ref: "HEAD", maxBytes: 1024, signal }),
  ];

  for (const answer of answers) {
    const request = new AbortController();
    await answer(request.signal);
    request.abort();
  }

  assertEquals(signals.length >= 10, true, `${signals.length} commands`);
  assertEquals(signals.filter((signal) => signal?.aborted !== true), []);
});

Deno.test("reportStatus() tells of many files in the order of git, each with its size", async () => {
  await using watched = new WatchedGit();
  await using repo = await GitRepo.create();
  const names = Array.from({ length: 100 }, (_, index) => `file-${String(index).padStart(3, "0")}`);
  for (const [index, name] of names.entries()) await repo.write(name, "x".repeat(index));

  const { files } = await reportStatus(watched.git, repo.root, never);

  assertEquals(files.map(({ path, size }) => [path, size]), names.map((name, index) => [name, index]));
});
