/**
 * git in a workspace, over SSH and over HTTP with a password, with what the control plane hands out: the real git, the real ssh.
 *
 * @module
 */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { decodeBase64 } from "@std/encoding/base64";
import { join } from "@std/path";

import { writeProgram } from "../../core/testing_program.ts";
import { parseAgentsFile } from "../../examples/control-plane/agents_file.ts";
import { type ControlPlane, startControlPlane } from "../../examples/control-plane/control_plane.ts";
import { type AgentProcess, type Ended, runAgent, startAgent } from "../agent_process.ts";
import { GIT_ENV, GitRepo } from "../fixtures/git_repo.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
/** What the git server takes. */
const PASSWORD = "glpat-very-secret";
/** ssh must not write to the developer's files, and knows the server of this test from nowhere. */
const STRANGERS = "-F none -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR";

interface Workspace extends AsyncDisposable {
  readonly plane: ControlPlane;
  readonly agent: AgentProcess;
  readonly repo: GitRepo;
  readonly publicKey: string;
  /** Runs a line of shell in the workspace. */
  run(line: string, env?: Readonly<Record<string, string>>): Promise<Ended>;
}

/** A key pair as `ssh-keygen` makes it. */
async function makeKey(directory: string): Promise<{ readonly privateKey: string; readonly publicKey: string }> {
  const path = join(directory, "id");
  const { success } = await new Deno.Command("ssh-keygen", {
    args: ["-q", "-t", "ed25519", "-N", "", "-C", "workspace", "-f", path],
  }).output();
  assertEquals(success, true);
  return { privateKey: await Deno.readTextFile(path), publicKey: (await Deno.readTextFile(`${path}.pub`)).trim() };
}

/** @param git What the control plane knows; by default a key, and the password of any server on loopback. */
async function openWorkspace(git: Record<string, unknown> = {}): Promise<Workspace> {
  await using stack = new AsyncDisposableStack();
  const repo = stack.use(await GitRepo.create({ "hello.txt": "hello\n" }));
  const keys = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(keys, { recursive: true }));
  const gitSshKey = await makeKey(keys);
  const definition = {
    ...{ name: "dev", token: TOKEN, gitSshKey },
    externalAuth: [{ id: "forge", match: "^http://127\\.0\\.0\\.1", type: "gitlab", token: PASSWORD }],
    ...git,
  };
  const agents = parseAgentsFile(JSON.stringify({ agents: [definition] }), "test");
  const plane = stack.use(startControlPlane({ agents, logSink: () => {} }));
  const config = join(keys, "outpost.jsonc");
  // The workspace's own SSH server is the git server: it lets the key of the control plane in, and no other.
  const ssh = { enabled: true, config: { authorizedKeys: [gitSshKey.publicKey], hostKeyFile: join(keys, "host") } };
  await Deno.writeTextFile(config, JSON.stringify({ plugins: { ssh } }));
  const env = { CODER_AGENT_URL: plane.address, CODER_AGENT_TOKEN: TOKEN, ...GIT_ENV, GIT_TERMINAL_PROMPT: "0" };
  const agent = stack.use(await startAgent({ args: ["--config", config], env }));
  const headers = { authorization: `Bearer ${plane.token}` };
  for await (const _ of events(plane)) {
    const answer = await fetch(`${plane.address}/api/agents/dev`, { headers });
    if ((await answer.json()).lifecycle === "ready") break;
  }
  const all = stack.move();
  return {
    ...{ plane, agent, repo, publicKey: gitSshKey.publicKey },
    run: (line, more = {}) =>
      runAgent(["exec", ...Object.entries(more).map(([name, value]) => `--env=${name}=${value}`), "--", line], {
        env: agent.env,
        cwd: agent.dir,
      }),
    [Symbol.asyncDispose]: () => all[Symbol.asyncDispose](),
  };
}

/** What the control plane tells of changes, piece by piece; the first comes at once. */
async function* events({ address, token }: ControlPlane): AsyncGenerator<string> {
  const signal = AbortSignal.timeout(120_000);
  const { body } = await fetch(`${address}/api/events`, { headers: { authorization: `Bearer ${token}` }, signal });
  yield* body!.pipeThrough(new TextDecoderStream());
}

/** A git server that wants a password: the files of a repository, which git calls dumb HTTP. */
function serveGit(repo: GitRepo, asked: string[]): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const authorization = request.headers.get("authorization") ?? "";
    const credentials = new TextDecoder().decode(decodeBase64(authorization.replace(/^Basic /, "")));
    asked.push(credentials);
    if (credentials !== `oauth2:${PASSWORD}`) {
      return new Response("who are you", { status: 401, headers: { "www-authenticate": 'Basic realm="forge"' } });
    }
    try {
      return new Response(
        await Deno.readFile(repo.path(".git", new URL(request.url).pathname.replace("/repo.git/", ""))),
      );
    } catch {
      return new Response("no such file", { status: 404 });
    }
  });
}

// The waits for events leave timers behind.
const LOOSE = { sanitizeOps: false, sanitizeResources: false };
const text = ({ stdout, stderr }: Ended) => [...stdout, ...stderr].join("\n");

Deno.test("git clones over ssh with the key of the control plane, which is gone afterwards", LOOSE, async () => {
  await using workspace = await openWorkspace();
  const { host } = new URL(`ssh://${workspace.agent.listening.ssh}`);
  const tmp = join(workspace.agent.dir, "tmp");
  await Deno.mkdir(tmp);
  const clone = (name: string) =>
    workspace.run(
      `GIT_SSH_COMMAND="$GIT_SSH_COMMAND ${STRANGERS}" git clone -q ssh://me@${host}${workspace.repo.root} ${name}`,
      { TMPDIR: tmp },
    );

  const cloned = await clone("cloned");

  assertEquals(cloned.code, 0, text(cloned));
  assertEquals(await Deno.readTextFile(join(workspace.agent.dir, "cloned/hello.txt")), "hello\n");
  assertEquals(await Array.fromAsync(Deno.readDir(tmp)), []);
});

Deno.test(
  "git over ssh says which key a server refused, and goes on with the user's keys without one",
  LOOSE,
  async () => {
    await using refused = await openWorkspace();
    const { host } = new URL(`ssh://${refused.agent.listening.ssh}`);
    // The server closes the login when the only method it is offered is none of its.
    const noKey = await refused.run(
      `GIT_SSH_COMMAND="$GIT_SSH_COMMAND ${STRANGERS} -o PreferredAuthentications=password" git ls-remote ssh://me@${host}/x`,
    );
    await using keyless = await openWorkspace({ gitSshKey: undefined });
    const without = await keyless.run(
      `GIT_SSH_COMMAND="$GIT_SSH_COMMAND ${STRANGERS}" git ls-remote ssh://me@${
        new URL(`ssh://${keyless.agent.listening.ssh}`).host
      }/x`,
    );

    assertEquals([noKey.code, without.code], [128, 128]);
    assertStringIncludes(text(noKey), refused.publicKey);
    assertMatch(text(without), /going on without the workspace's key: This workspace has no key for git/);
    assertMatch(text(without), /Permission denied/);
  },
);

Deno.test("gitssh takes its key away also when it is ended twice over, and ends as ssh does", LOOSE, async () => {
  await using workspace = await openWorkspace();
  const { dir } = workspace.agent;
  await Deno.mkdir(join(dir, "bin"));
  await Deno.mkdir(join(dir, "tmp"));
  // An ssh that says which key it got, and then waits to be ended.
  await writeProgram(
    join(dir, "bin/ssh"),
    `#!/bin/sh\n[ "$1" = -G ] && exit 0\necho "$2" > key\nexec sleep 600\n`,
  );

  const ended = await workspace.run(
    `PATH=$PWD/bin:$PATH $GIT_SSH_COMMAND me@host & until [ -s key ]; do sleep 0.05; done; test -f "$(cat key)" && echo there
     kill -TERM $!; kill -TERM $!; wait $!; echo "ended with $?"; ls tmp`,
    { TMPDIR: join(dir, "tmp") },
  );

  assertEquals([ended.code, ended.stdout], [0, ["there", "ended with 143"]], text(ended));
});

Deno.test("git clones over HTTP with the password of the control plane", LOOSE, async () => {
  await using workspace = await openWorkspace();
  await workspace.repo.git("update-server-info");
  const asked: string[] = [];
  await using server = serveGit(workspace.repo, asked);

  const cloned = await workspace.run(`git clone -q http://127.0.0.1:${server.addr.port}/repo.git cloned`);

  assertEquals(cloned.code, 0, text(cloned));
  assertEquals(await Deno.readTextFile(join(workspace.agent.dir, "cloned/hello.txt")), "hello\n");
  assertEquals([asked[0], asked.at(-1)], ["", `oauth2:${PASSWORD}`]);
});

Deno.test("git waits over HTTP until somebody has signed in, and says where", LOOSE, async () => {
  await using workspace = await openWorkspace({
    externalAuth: [{ id: "forge", match: "^http://127\\.0\\.0\\.1", type: "gitlab" }],
  });
  await workspace.repo.git("update-server-info");
  await using server = serveGit(workspace.repo, []);
  const { address, token } = workspace.plane;

  const changes = events(workspace.plane);
  await changes.next();
  const cloning = workspace.run(`git clone -q http://127.0.0.1:${server.addr.port}/repo.git cloned`);
  for await (const change of changes) if (change.includes("waits for a token")) break;
  const given = await fetch(`${address}/api/agents/dev/external-auth/forge`, {
    method: "PUT",
    headers: { authorization: `Bearer ${token}` },
    body: JSON.stringify({ token: PASSWORD }),
  });
  const cloned = await cloning;

  assertEquals([given.status, cloned.code], [204, 0], text(cloned));
  assertStringIncludes(text(cloned), `${address}/external-auth/dev/forge`);
  assertEquals(await Deno.readTextFile(join(workspace.agent.dir, "cloned/hello.txt")), "hello\n");
});

Deno.test("git asks its user when the control plane knows no such server, and is told why", LOOSE, async () => {
  await using workspace = await openWorkspace({ externalAuth: [] });
  await using server = serveGit(workspace.repo, []);

  const cloned = await workspace.run(`git ls-remote http://127.0.0.1:${server.addr.port}/repo.git`);

  assertEquals(cloned.code, 128);
  assertMatch(text(cloned), /The control plane has no answer for git, which goes on by itself: No provider for/);
  assertMatch(text(cloned), /could not read Username/);
});
