import { assertEquals } from "@std/assert";

import { Spawner } from "../../core/exec/spawner.ts";
import { GIT_ENV, GitRepo } from "../../test/fixtures/git_repo.ts";
import { Git } from "./git_command.ts";
import { RepoResolver } from "./repo_resolver.ts";

async function withGit(work: (git: Git) => Promise<void>): Promise<void> {
  await using exec = new Spawner({ processEnv: { HOME: "/" } }).scope("test", {
    build: (layers) =>
      Promise.resolve({ PATH: Deno.env.get("PATH") ?? "", HOME: "/", ...GIT_ENV, ...layers?.overrides }),
  });
  await work(new Git({ exec, maxComparedFileBytes: 1 << 24 }));
}

async function rootsOf(git: Git, ...paths: readonly string[]): Promise<readonly string[]> {
  return (await new RepoResolver(git).resolve(paths)).map((repo) => repo.root);
}

Deno.test("resolve() finds each repository once, also for files that do not exist yet", async () => {
  await using repo = await GitRepo.create({ "deep/er/file": "1\n" });
  await withGit(async (git) => {
    const paths = [repo.path("deep/er/file"), repo.path("deep/new"), repo.root];

    assertEquals(await rootsOf(git, ...paths), [repo.root]);
    assertEquals(git.started, 1);
  });
});

Deno.test("resolve() skips relative paths, missing directories, places outside of repositories and the inside of .git", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using folder = await GitRepo.folder();
  await withGit(async (git) => {
    const paths = ["a", repo.path("missing", "a"), folder.path("a"), repo.path(".git", "HEAD")];

    assertEquals(await rootsOf(git, ...paths), []);
    assertEquals(await rootsOf(git), []);
    assertEquals(git.started, 0);
  });
});

Deno.test("resolve() prefers the nearest of nested repositories and follows symbolic links", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using folder = await GitRepo.folder();
  await repo.write("inner/b", "1\n");
  await repo.gitIn(repo.path("inner"), "init", "-q");
  await Deno.symlink(repo.path("inner"), folder.path("link"));
  await withGit(async (git) => {
    assertEquals(await rootsOf(git, repo.path("inner/b")), [repo.path("inner")]);
    assertEquals(await rootsOf(git, folder.path("link/b")), [repo.path("inner")]);
  });
});

Deno.test("resolve() knows the shared directory of a linked worktree", async () => {
  await using repo = await GitRepo.create({ a: "1\n" });
  await using folder = await GitRepo.folder();
  await repo.git("worktree", "add", "-q", folder.path("tree"));
  await withGit(async (git) => {
    const [found] = await new RepoResolver(git).resolve([folder.path("tree/a")]);

    assertEquals(found, {
      root: folder.path("tree"),
      gitDir: repo.path(".git/worktrees/tree"),
      commonDir: repo.path(".git"),
    });
  });
});
