import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { type ClientResult, hasProgram, type SshAgent, startSshAgent } from "../ssh_agent.ts";

/** A test with an agent of its own that needs these programs. */
function withPrograms(
  programs: readonly string[],
  name: string,
  fn: (agent: SshAgent) => Promise<void>,
  options: Parameters<typeof startSshAgent>[0] = {},
) {
  const missing = programs.filter((program) => !hasProgram(program));
  Deno.test({
    name: missing.length > 0 ? `${name} (skipped: no program ${missing.join(", ")})` : name,
    ignore: missing.length > 0,
    fn: async () => {
      await using agent = await startSshAgent(options);
      await fn(agent);
    },
  });
}

function sftp(agent: SshAgent, ...lines: readonly string[]): Promise<ClientResult> {
  return agent.run(["sftp", "-b", "-", "workspace"], { input: lines.join("\n") + "\n" });
}

withPrograms(["sftp"], "sftp does every operation", async (agent) => {
  const local = join(agent.home, "local.bin");
  const bytes = crypto.getRandomValues(new Uint8Array(60_000));
  await Deno.writeFile(local, bytes);

  const result = await sftp(
    agent,
    "mkdir dir",
    "put local.bin dir/one",
    "chmod 640 dir/one",
    "rename dir/one dir/two",
    "ln -s two dir/link",
    "ln dir/two dir/hard",
    "ls -la dir",
    "get dir/link back.bin",
    "put -p local.bin dir/kept",
    "rm dir/link",
    "mkdir dir/inner",
    "rmdir dir/inner",
    "cd dir",
    "pwd",
  );

  assertEquals([result.code, result.err], [0, ""]);
  assertMatch(result.out, /^-rw-r-----\s+2 .* two$/m);
  assertMatch(result.out, /^lrwx.* link$/m);
  assertStringIncludes(result.out, `Remote working directory: ${agent.home}/dir`);
  assertEquals(await Deno.readFile(join(agent.home, "back.bin")), bytes);
  assertEquals(await Deno.readFile(join(agent.home, "dir/hard")), bytes);
  assertEquals([...Deno.readDirSync(join(agent.home, "dir"))].map(({ name }) => name).sort(), ["hard", "kept", "two"]);
  const [kept, original] = [await Deno.stat(join(agent.home, "dir/kept")), await Deno.stat(local)];
  assertEquals(Math.floor(kept.mtime!.getTime() / 1000), Math.floor(original.mtime!.getTime() / 1000));
  assertEquals(await agent.agent.metric("agent_ssh_server_sftp_connections_total"), 1);
  assertEquals(await agent.agent.metric("agent_ssh_server_sftp_server_errors_total"), 0);
});

withPrograms(["sftp"], "sftp starts in the agent's directory and lists many files", async () => {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  for (let n = 0; n < 350; n++) await Deno.writeTextFile(join(directory, `file ${n}`), "");
  await using agent = await startSshAgent({ agent: { directory } });

  const { out } = await sftp(agent, "pwd", "ls -1");

  assertStringIncludes(out, `Remote working directory: ${directory}`);
  assertEquals(out.match(/^file \d+\s*$/gm)?.length, 350);
  await Deno.remove(directory, { recursive: true });
});

withPrograms(["sftp"], "sftp says what it cannot do, and goes on", async (agent) => {
  await Deno.writeTextFile(join(agent.home, "file"), "text");

  const { code, err, out } = await sftp(
    agent,
    "-get missing",
    "-mkdir file",
    "-rmdir file",
    "-rm .",
    "-cd file/below",
    "-get ../../../../../no/such/place",
    "ls -1 file",
  );

  assertEquals(code, 0);
  assertMatch(err, /missing.*not found/i);
  assertStringIncludes(out, "file\n");
  assertEquals(await Deno.readTextFile(join(agent.home, "file")), "text");
});

withPrograms(["sftp"], "sftp resumes an upload and a download in the middle", async (agent) => {
  const bytes = crypto.getRandomValues(new Uint8Array(50_000));
  await Deno.writeFile(join(agent.home, "local"), bytes);
  await Deno.writeFile(join(agent.home, "remote"), bytes.subarray(0, 12_345));
  await Deno.mkdir(join(agent.home, "down"));
  await Deno.writeFile(join(agent.home, "down", "local"), bytes.subarray(0, 777));

  const { code, err } = await sftp(agent, "reput local remote", "lcd down", "reget local");

  assertEquals([code, err], [0, ""]);
  assertEquals(await Deno.readFile(join(agent.home, "remote")), bytes);
  assertEquals(await Deno.readFile(join(agent.home, "down", "local")), bytes);
});

for (const [protocol, flag] of [["its old protocol", "-O"], ["SFTP", "-s"]] as const) {
  withPrograms(["scp"], `scp brings a tree over and back with ${protocol}`, async (agent) => {
    const bytes = new Uint8Array(3_000_001).map((_, index) => index * 7 >> 3);
    await Deno.mkdir(join(agent.home, "tree/inner"), { recursive: true });
    await Deno.writeFile(join(agent.home, "tree/inner/data"), bytes);
    await Deno.writeTextFile(join(agent.home, "tree/script"), "#!/bin/sh\n", { mode: 0o755 });

    const up = await agent.run(["scp", flag, "-rp", "tree", "workspace:there"]);
    const down = await agent.run(["scp", flag, "-rp", "workspace:there", "back"]);

    assertEquals([up.code, up.err, down.code, down.err], [0, "", 0, ""]);
    assertEquals(await Deno.readFile(join(agent.home, "back/inner/data")), bytes);
    assertEquals((await Deno.stat(join(agent.home, "back/script"))).mode! & 0o777, 0o755);
  });
}

withPrograms(["scp", "sftp"], "blocked transfers fail with a message, or with the status alone", async (agent) => {
  await Deno.writeTextFile(join(agent.home, "note"), "hello");

  const old = await agent.run(["scp", "-O", "note", "workspace:there"]);
  const modern = await sftp(agent, "ls");

  assertStringIncludes(old.err, "File transfer has been disabled.");
  assertEquals([old.code !== 0, modern.code !== 0], [true, true]);
}, { config: { blockFileTransfer: true } });

/** 2,000 in CI; 10,000 by hand, with `OUTPOST_TEST_SCALE=5`. */
const FILES = 2_000 * Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);

withPrograms(
  ["rsync", "ssh"],
  `rsync brings ${FILES} files over and back, and finds nothing to do the second time, either way`,
  async (agent) => {
    for (let n = 0; n < FILES; n++) {
      if (n % 50 === 0) await Deno.mkdir(join(agent.home, `tree/${n / 50}`), { recursive: true });
      await Deno.writeTextFile(join(agent.home, `tree/${Math.floor(n / 50)}/file${n}`), `content ${n}`);
    }
    const rsync = async (...args: string[]) => {
      const { code, stdout, stderr } = await new Deno.Command("rsync", {
        args: ["-a", "--delete", "--stats", "-e", `ssh -F ${agent.clientConfig}`, ...args],
        cwd: agent.home,
      }).output();
      assertEquals([code, new TextDecoder().decode(stderr)], [0, ""]);
      return Number(/files transferred: ([\d,]+)/.exec(new TextDecoder().decode(stdout))?.[1]?.replaceAll(",", ""));
    };

    assertEquals(await rsync("tree/", "workspace:copy/"), FILES);
    assertEquals(await rsync("workspace:copy/", "back/"), FILES);
    assertEquals(await rsync("tree/", "workspace:copy/"), 0);
    assertEquals(await rsync("workspace:copy/", "back/"), 0);
    assertEquals(await Deno.readTextFile(join(agent.home, "back/39/file1999")), "content 1999");
    await Deno.writeTextFile(join(agent.home, "tree/0/file7"), "changed");
    await Deno.remove(join(agent.home, "tree/0/file8"));
    assertEquals(await rsync("tree/", "workspace:copy/"), 1);
    assertEquals(await Deno.readTextFile(join(agent.home, "copy/0/file7")), "changed");
  },
);

withPrograms(["sftp"], "sftp moves trees, many files by pattern, owners and times", async (agent) => {
  await Deno.mkdir(join(agent.home, "tree/inner"), { recursive: true });
  for (const name of ["a.txt", "b.txt", "inner/c"]) await Deno.writeTextFile(join(agent.home, "tree", name), name);
  await Deno.utime(join(agent.home, "tree/a.txt"), 1000, 2000);

  const { code, err, out } = await sftp(
    agent,
    "version",
    "put -rp tree there",
    "get -rp there back",
    "mkdir many",
    "put tree/*.txt many/",
    "lmkdir locally",
    "lcd locally",
    "mget many/*.txt",
    `chown ${Deno.uid()} many/a.txt`,
    `chgrp ${Deno.gid()} many/a.txt`,
    "symlink a.txt many/link",
    "ls -lt many",
    "rename many/a.txt many/b.txt",
    "rm many/*",
    "rmdir many",
    "-ls many",
  );

  assertEquals(code, 0, err);
  assertMatch(out, /SFTP protocol version 3/);
  assertMatch(err, /many.*not found/i);
  assertEquals(await Deno.readTextFile(join(agent.home, "back/inner/c")), "inner/c");
  assertEquals((await Deno.stat(join(agent.home, "back/a.txt"))).mtime?.getTime(), 2_000_000);
  assertEquals([...Deno.readDirSync(join(agent.home, "locally"))].map(({ name }) => name).sort(), ["a.txt", "b.txt"]);
});

withPrograms(["git", "ssh"], "git clones and pushes over ssh", async (agent) => {
  const env = {
    GIT_SSH_COMMAND: `ssh -F ${agent.clientConfig}`,
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_AUTHOR_NAME: "a",
    GIT_AUTHOR_EMAIL: "a@example.org",
    GIT_COMMITTER_NAME: "a",
    GIT_COMMITTER_EMAIL: "a@example.org",
  };
  const git = async (cwd: string, ...args: string[]) => {
    const { code, stdout, stderr } = await new Deno.Command("git", { args, cwd: join(agent.home, cwd), env }).output();
    assertEquals(code, 0, new TextDecoder().decode(stderr));
    return new TextDecoder().decode(stdout).trim();
  };
  await git(".", "init", "-q", "--bare", "-b", "main", "origin.git");

  await git(".", "clone", "-q", `workspace:${agent.home}/origin.git`, "clone");
  await Deno.writeTextFile(join(agent.home, "clone/file"), "text");
  await git("clone", "add", "file");
  await git("clone", "commit", "-qm", "one");
  await git("clone", "push", "-q", "origin", "HEAD:main");

  assertEquals(await git("origin.git", "log", "--format=%s", "main"), "one");
});
