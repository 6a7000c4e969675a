import { assertEquals } from "@std/assert";

import { GitRepo } from "../../test/fixtures/git_repo.ts";
import type { DirectoryWatcher } from "./file_events.ts";
import type { Git, GitResult } from "./git_command.ts";
import { RepoEvents } from "./repo_events.ts";

const NOTHING: GitResult = { isOk: true, code: 0, output: new Uint8Array(), isCut: false, complaint: "" };

Deno.test("RepoEvents gives back a watcher that fails, and says why", async () => {
  await using folder = await GitRepo.folder();
  const failed = Promise.withResolvers<unknown>();
  let freed = 0;
  const watcher: DirectoryWatcher = {
    async *[Symbol.asyncIterator]() {
      yield* [];
      await Promise.reject(new Error("queue overflow"));
    },
    [Symbol.dispose]: () => void freed++,
  };
  await using events = new RepoEvents({
    ...{ repo: { root: folder.root, gitDir: folder.root, commonDir: folder.root }, maxDirectories: 10 },
    git: { run: () => Promise.resolve(NOTHING) } as unknown as Git,
    watch: () => watcher,
    onEvent: () => {},
    onFailure: failed.resolve,
  });

  await events.cover("main", []);

  assertEquals(String(await failed.promise), "Error: queue overflow");
  assertEquals([freed, events.watched], [1, 0]);
});
