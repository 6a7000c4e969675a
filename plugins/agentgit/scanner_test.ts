import { assert, assertEquals, assertFalse, assertNotEquals, assertStringIncludes } from "@std/assert";

import { Spawner } from "../../core/exec/spawner.ts";
import { GIT_ENV, GitRepo } from "../../test/fixtures/git_repo.ts";
import { Git } from "./git_command.ts";
import { RepoResolver } from "./repo_resolver.ts";
import { RepoScanner, type RepoSnapshot, type ScannerLimits } from "./scanner.ts";
import { joinDiffs } from "./unified_diff.ts";

const MIB = 1024 * 1024;
const LIMITS: ScannerLimits = { maxDiffBytes: 3 * MIB, fullScanBudgetMs: Infinity };

/** Git as the plugin runs it. */
class TestGit implements AsyncDisposable {
  readonly #processes = new Spawner({ processEnv: { HOME: "/" } }).scope("test", {
    build: (layers) =>
      Promise.resolve({ PATH: Deno.env.get("PATH") ?? "", HOME: "/", ...GIT_ENV, ...layers?.overrides }),
  });
  readonly git = new Git({ exec: this.#processes, maxComparedFileBytes: 16 * MIB });

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#processes[Symbol.asyncDispose]();
  }
}

async function scannerOf(git: Git, root: string, limits: Partial<ScannerLimits> = {}): Promise<RepoScanner> {
  const [repo] = await new RepoResolver(git).resolve([root]);
  assert(repo);
  return new RepoScanner(repo, git, { ...LIMITS, ...limits });
}

async function snapshotOf(scanner: RepoScanner, touched?: readonly string[]): Promise<RepoSnapshot> {
  const outcome = await scanner.scan({ touched: touched && new Set(touched) });
  assert(outcome.kind === "scanned", JSON.stringify(outcome));
  return outcome.snapshot;
}

function diffOf(snapshot: RepoSnapshot): string {
  return joinDiffs(snapshot.files, LIMITS.maxDiffBytes).text;
}

Deno.test("scan() reports branch, origin and staged, modified, deleted and untracked files in one diff", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ "modified": "1\n", "deleted": "1\n" });
  await repo.git("remote", "add", "origin", "https://example.org/r.git");
  await repo.write("modified", "2\n");
  await repo.write("staged", "new\n");
  await repo.git("add", "staged");
  await Deno.remove(repo.path("deleted"));
  await repo.write("untracked", "u\n");

  const snapshot = await snapshotOf(await scannerOf(tools.git, repo.root));

  assertEquals([snapshot.root, snapshot.branch, snapshot.origin], [repo.root, "main", "https://example.org/r.git"]);
  assertEquals(snapshot.files.map((file) => file.path), ["deleted", "modified", "staged", "untracked"]);
  assertStringIncludes(diffOf(snapshot), "-1\n+2\n");
  assertStringIncludes(diffOf(snapshot), "--- /dev/null\n+++ b/untracked\n@@ -0,0 +1 @@\n+u\n");
});

Deno.test("scan() of a clean repository has an empty diff", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });

  assertEquals(diffOf(await snapshotOf(await scannerOf(tools.git, repo.root))), "");
});

Deno.test("scan() leaves out ignored files, also where a nested file would let them in again", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ ".gitignore": "*.log\nbuild/\n", a: "1\n" });
  await repo.write("x.log", "no\n");
  await repo.write("build/.gitignore", "!*\n");
  await repo.write("build/out.js", "no\n");
  await repo.write("kept.txt", "yes\n");

  const snapshot = await snapshotOf(await scannerOf(tools.git, repo.root));

  assertEquals(snapshot.files.map((file) => file.path), ["kept.txt"]);
});

Deno.test("scan() sees further edits of a file that differed already, and a clean file after a revert", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  const scanner = await scannerOf(tools.git, repo.root);
  const diffs: string[] = [];
  for (const content of ["2\n", "3\n", "3\n", "1\n"]) {
    await repo.write("a", content);
    await repo.write("new", content);
    diffs.push(diffOf(await snapshotOf(scanner)));
  }
  await Deno.remove(repo.path("new"));

  assertNotEquals(diffs[0], diffs[1]);
  assertEquals(diffs[1], diffs[2]);
  assertFalse(diffs[3]?.includes("b/a"));
  assertEquals(diffOf(await snapshotOf(scanner)), "");
});

Deno.test("scan() runs one git command when nothing changed since files were looked at", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  await repo.write("a", "2\n");
  await repo.write("new", "n\n");
  const longAgo = new Date(2020, 0, 1);
  for (const path of ["a", "new", ".git/config"]) await Deno.utime(repo.path(path), longAgo, longAgo);
  const scanner = await scannerOf(tools.git, repo.root);
  // The change time cannot be set: it takes until the clock has moved on that the files count as settled.
  let commands = Infinity;
  let snapshot = await snapshotOf(scanner);
  while (commands > 1) {
    const before = tools.git.started;
    snapshot = await snapshotOf(scanner);
    commands = tools.git.started - before;
  }

  assertEquals(commands, 1);
  assertEquals(snapshot.files.map((file) => file.path), ["a", "new"]);
});

Deno.test("scan() of a repository without commits shows untracked files, and not the staged ones", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create();
  await repo.write("staged", "s\n");
  await repo.git("add", "staged");
  await repo.write("untracked", "u\n");

  const snapshot = await snapshotOf(await scannerOf(tools.git, repo.root));

  assertEquals([snapshot.branch, snapshot.files.map((file) => file.path)], ["main", ["untracked"]]);
});

Deno.test("scan() reports no branch on a detached HEAD and during a rebase", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  const scanner = await scannerOf(tools.git, repo.root);
  await repo.git("checkout", "-q", "-b", "other");
  await repo.commit({ a: "other\n" });
  await repo.git("checkout", "-q", "main");
  await repo.commit({ a: "main\n" });
  await repo.git("checkout", "-q", "--detach");
  const detached = await snapshotOf(scanner);
  await repo.git("checkout", "-q", "main");
  await repo.git("rebase", "other").catch(() => {});

  const rebasing = await snapshotOf(scanner);

  assertEquals([detached.branch, rebasing.branch], ["", ""]);
  assertStringIncludes(diffOf(rebasing), "<<<<<<<");
});

Deno.test("scan() marks binary files and shows no byte of them", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ old: "a\0b" });
  await repo.write("old", "a\0c");
  await repo.write("new", "a\0b");

  const diff = diffOf(await snapshotOf(await scannerOf(tools.git, repo.root)));

  assertStringIncludes(diff, "Binary files a/old and b/old differ");
  assertStringIncludes(diff, "Binary files /dev/null and b/new differ");
  assertFalse(diff.includes("\0"));
});

Deno.test("scan() names a file that is too large for the diff, and keeps branch and smaller files", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ large: "1\n", small: "1\n" });
  await repo.write("large", "line\n".repeat(800_000));
  await repo.write("new-large", "line\n".repeat(800_000));
  await repo.write("small", "2\n");

  const snapshot = await snapshotOf(await scannerOf(tools.git, repo.root));

  const diff = diffOf(snapshot);
  assertStringIncludes(diff, "Total diff too large to show");
  assertStringIncludes(diff, "diff --git a/large b/large");
  assertStringIncludes(diff, "diff --git a/new-large b/new-large");
  assertStringIncludes(diff, "-1\n+2\n");
  assertEquals(snapshot.branch, "main");
  assert(diff.length < LIMITS.maxDiffBytes);
});

Deno.test("scan() keeps a diff of many files within the cap", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  for (let i = 0; i < 100; i++) await repo.write(`f${i}`, "x".repeat(99).concat("\n").repeat(512));

  const snapshot = await snapshotOf(await scannerOf(tools.git, repo.root));

  const diff = joinDiffs(snapshot.files, LIMITS.maxDiffBytes);
  assertEquals([diff.isTruncated, snapshot.files.length], [true, 100]);
  assert(diff.text.length < LIMITS.maxDiffBytes + 100 * 200);
});

Deno.test("scan() copes with names that hold newlines, quotes, spaces, bytes that are not UTF-8, pathspec signs and dashes", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  const names = ['"q"', "-", "--stat", ":(glob)*", "a b", "new\nline"];
  for (const name of names) await repo.write(name, "x\n");
  await new Deno.Command("sh", { args: ["-c", "printf x > \"$(printf '\\377.txt')\""], cwd: repo.root }).output();

  const snapshot = await snapshotOf(await scannerOf(tools.git, repo.root));

  assertEquals(snapshot.files.map((file) => file.path), [...names, "\xff.txt"]);
});

Deno.test("scan() shows symbolic links as links", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ "d/a": "1\n" });
  await Deno.symlink("d", repo.path("link"));

  const diff = diffOf(await snapshotOf(await scannerOf(tools.git, repo.root)));

  assertStringIncludes(diff, "new file mode 120000");
  assertStringIncludes(diff, "+d\n");
});

Deno.test("scan() keeps CRLF line ends of the files", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\r\n2\r\n" });
  await repo.write("a", "1\r\n3\r\n");

  assertStringIncludes(diffOf(await snapshotOf(await scannerOf(tools.git, repo.root))), "-2\r\n+3\r\n");
});

Deno.test("scan() shows the same diff whatever the user configured for people", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n", "ü": "1\n" });
  await repo.write("a", "2\n");
  await repo.write("ü", "2\n");
  const plain = diffOf(await snapshotOf(await scannerOf(tools.git, repo.root)));
  const settings = {
    "diff.noprefix": "true",
    "color.ui": "always",
    "diff.external": "false",
    "core.quotePath": "false",
  };
  for (const [name, value] of Object.entries(settings)) await repo.git("config", name, value);

  assertEquals(diffOf(await snapshotOf(await scannerOf(tools.git, repo.root))), plain);
});

Deno.test("scan() does not write to the repository", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  for (const name of ["a", "b", "c"]) await repo.write(name, "2\n");
  const before = await listing(repo.path(".git"));

  await snapshotOf(await scannerOf(tools.git, repo.root));

  assertEquals(await listing(repo.path(".git")), before);
});

Deno.test("scan() says that a deleted repository is gone, also when another one is around it", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  await repo.write("inner/x", "1\n");
  await repo.gitIn(repo.path("inner"), "init", "-q");
  const inner = await scannerOf(tools.git, repo.path("inner"));
  const outer = await scannerOf(tools.git, repo.root);
  assertEquals((await snapshotOf(inner)).root, repo.path("inner"));

  await Deno.remove(repo.path("inner", ".git"), { recursive: true });
  const innerOutcome = await inner.scan();
  await Deno.remove(repo.root, { recursive: true });
  const outerOutcome = await outer.scan();

  assertEquals([innerOutcome.kind, outerOutcome.kind], ["gone", "gone"]);
});

Deno.test("scan() says that a worktree is gone when its administrative directory is", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  await using place = await GitRepo.folder();
  await repo.git("worktree", "add", "-q", place.path("tree"), "-b", "side");
  const scanner = await scannerOf(tools.git, place.path("tree"));
  assertEquals((await snapshotOf(scanner)).branch, "side");

  await Deno.remove(repo.path(".git", "worktrees"), { recursive: true });

  assertEquals((await scanner.scan()).kind, "gone");
});

Deno.test("scan() takes a damaged HEAD for passing trouble", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n" });
  await repo.write("a", "2\n");
  const scanner = await scannerOf(tools.git, repo.root);
  const head = await Deno.readTextFile(repo.path(".git", "HEAD"));
  await Deno.writeTextFile(repo.path(".git", "HEAD"), "nonsense");
  const damaged = await scanner.scan();
  await Deno.writeTextFile(repo.path(".git", "HEAD"), head);

  const repaired = await snapshotOf(scanner);

  assertEquals(damaged.kind, "failed");
  assertStringIncludes(diffOf(repaired), "+2\n");
});

Deno.test("scan() shows a changed submodule as one line and its files in its own repository", async () => {
  await using tools = new TestGit();
  await using source = await GitRepo.create({ s: "1\n" });
  await using repo = await GitRepo.create({ a: "1\n" });
  await repo.git("-c", "protocol.file.allow=always", "submodule", "add", "-q", source.root, "sub");
  await repo.git("commit", "-q", "-m", "sub");
  await repo.write("sub/s", "2\n");

  const outer = await snapshotOf(await scannerOf(tools.git, repo.root));
  const inner = await snapshotOf(await scannerOf(tools.git, repo.path("sub")));

  assertStringIncludes(diffOf(outer), "-dirty");
  assertEquals([inner.root, inner.files.map((file) => file.path)], [repo.path("sub"), ["s"]]);
});

Deno.test("scan() of touched paths alone finds what a full scan finds", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n", b: "1\n", "d/c": "1\n", ".gitignore": "*.log\n" });
  const partial = await scannerOf(tools.git, repo.root, { fullScanBudgetMs: 0 });
  await settle(tools.git, partial, await repo.write("a", "0\n"));
  const steps: readonly (readonly [string, string | undefined])[] = [
    ["a", "2\n"],
    ["new", "n\n"],
    ["x.log", "ignored\n"],
    ["d/c", "2\n"],
    ["new", "m\n"],
    ["a", "1\n"],
    ["b", undefined],
    ["new", undefined],
    ["b", "1\n"],
    ["d/e/f", "deep\n"],
    [".gitignore", "*.log\nd\n"],
  ];
  for (const [path, content] of steps) {
    if (content === undefined) await Deno.remove(repo.path(path));
    else await repo.write(path, content);

    const found = await snapshotOf(partial, [repo.path(path)]);

    const expected = await snapshotOf(await scannerOf(tools.git, repo.root));
    assertEquals(diffOf(found), diffOf(expected), `after ${path}`);
  }
});

Deno.test("scan() of a touched path in a slow repository runs one git command for a tracked file", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n", b: "1\n" });
  const scanner = await scannerOf(tools.git, repo.root, { fullScanBudgetMs: 0 });
  await settle(tools.git, scanner, await repo.write("a", "0\n"));
  await repo.write("a", "2\n");
  await repo.write("b", "2\n");
  const before = tools.git.started;

  const snapshot = await snapshotOf(scanner, [repo.path("a")]);

  assertEquals(tools.git.started - before, 1);
  assertEquals(snapshot.files.map((file) => file.path), ["a"]);
  assertFalse(scanner.isComplete);
  assertEquals((await snapshotOf(scanner)).files.map((file) => file.path), ["a", "b"]);
  assert(scanner.isComplete);
});

Deno.test("scan() of touched paths looks at everything after a commit", async () => {
  await using tools = new TestGit();
  await using repo = await GitRepo.create({ a: "1\n", b: "1\n" });
  await repo.write("b", "2\n");
  const scanner = await scannerOf(tools.git, repo.root, { fullScanBudgetMs: 0 });
  await snapshotOf(scanner);
  await repo.commit({});
  await repo.write("a", "2\n");

  const snapshot = await snapshotOf(scanner, [repo.path("a")]);

  assertEquals(snapshot.files.map((file) => file.path), ["a"]);
});

/** Scans until the repository's last commit is so long ago that a scan of one touched path is trusted to be enough. */
async function settle(git: Git, scanner: RepoScanner, path: string): Promise<void> {
  await snapshotOf(scanner);
  for (let before = NaN; git.started - before !== 1;) {
    before = git.started;
    await snapshotOf(scanner, [path]);
  }
}

/** Every file below a directory with its size. */
async function listing(directory: string): Promise<readonly string[]> {
  const found: string[] = [];
  for await (const entry of Deno.readDir(directory)) {
    const path = `${directory}/${entry.name}`;
    if (entry.isDirectory) found.push(...await listing(path));
    else found.push(`${path} ${(await Deno.stat(path)).size} ${(await Deno.stat(path)).mtime?.getTime()}`);
  }
  return found.sort();
}
