import { assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { dirname, join } from "@std/path";

import { commandContext } from "./_fixture.ts";
import { gitssh } from "./gitssh.ts";

const ARGS = ["--", "-o", "SendEnv=GIT_PROTOCOL", "git@example.org", "git-upload-pack 'x'"];
const SSH_ARGS = ARGS.slice(1);
const key = () => Response.json({ public_key: "ssh-ed25519 AAAA\n", private_key: "PRIVATE" });

Deno.test("gitssh() runs ssh with the user's existing keys first and the workspace's last, in a private file that goes", async () => {
  const home = await Deno.makeTempDir();
  const own = join(home, "own");
  await Deno.writeTextFile(own, "");
  let seen: unknown;
  let path = "";
  const ctx = commandContext({
    args: ARGS,
    env: { HOME: home },
    answer: key,
    async run(command, { io }) {
      if (io === "capture") {
        assertEquals(command, ["ssh", "-G", ...SSH_ARGS]);
        return { exitCode: 0, output: "user git\nidentityfile ~/own\nidentityfile ~/missing\nport 22\n" };
      }
      path = command[4]!;
      const modes = [(await Deno.stat(path)).mode! & 0o777, (await Deno.stat(dirname(path))).mode! & 0o777];
      seen = [command, await Deno.readTextFile(path), modes];
      return { exitCode: 3, output: "" };
    },
  });

  const code = await gitssh(ctx);

  assertEquals(code, 3);
  assertEquals(seen, [["ssh", "-i", own, "-i", path, ...SSH_ARGS], "PRIVATE\n", [0o600, 0o700]]);
  await assertRejects(() => Deno.stat(dirname(path)), Deno.errors.NotFound);
  await Deno.remove(home, { recursive: true });
});

Deno.test("gitssh() removes the key also when ssh cannot be started", async () => {
  let path = "";
  const ctx = commandContext({
    args: ARGS,
    answer: key,
    run(command, { io }) {
      if (io === "capture") return Promise.resolve({ exitCode: 255, output: "" });
      path = command[2]!;
      return Promise.reject(new Error("no ssh"));
    },
  });

  await assertRejects(() => gitssh(ctx), Error, "no ssh");
  await assertRejects(() => Deno.stat(dirname(path)), Deno.errors.NotFound);
});

Deno.test("gitssh() lets git ask ssh what it is, without a key", async () => {
  const ran: (readonly string[])[] = [];
  const ctx = commandContext({
    args: ["--", "-G", "example.org"],
    answer: () => Promise.reject(new Error("must not be asked")),
    run: (command) => {
      ran.push(command);
      return Promise.resolve({ exitCode: 0, output: "" });
    },
  });

  assertEquals(await gitssh(ctx), 0);
  assertEquals(ran, [["ssh", "-G", "example.org"]]);
});

Deno.test("gitssh() goes on with plain ssh when there is no key, and says why", async () => {
  const ran: (readonly string[])[] = [];
  const ctx = commandContext({
    args: ARGS,
    answer: () =>
      Response.json({ message: "The control plane does not answer", detail: "it is away" }, { status: 503 }),
    run: (command) => {
      ran.push(command);
      return Promise.resolve({ exitCode: 255, output: "" });
    },
  });

  assertEquals(await gitssh(ctx), 255);
  assertEquals(ran, [["ssh", ...SSH_ARGS]]);
  assertEquals(
    ctx.written.err,
    "outpost gitssh: going on without the workspace's key: The control plane does not answer: it is away\n",
  );
});

Deno.test("gitssh() shows the public key when ssh could not log in", async () => {
  const ctx = commandContext({
    args: ARGS,
    answer: key,
    run: () => Promise.resolve({ exitCode: 255, output: "" }),
  });

  assertEquals(await gitssh(ctx), 255);
  assertStringIncludes(ctx.written.err, "\n  ssh-ed25519 AAAA\n");
});

Deno.test("gitssh() does not start ssh after a signal", async () => {
  const ctx = commandContext({
    args: ARGS,
    signal: AbortSignal.abort(new DOMException("Ended by SIGTERM", "AbortError")),
    answer: key,
    run: (_, { io }) =>
      io === "capture" ? Promise.resolve({ exitCode: 0, output: "" }) : Promise.reject(new Error("must not run")),
  });

  await assertRejects(() => gitssh(ctx), DOMException, "SIGTERM");
});

Deno.test("gitssh() explains itself to people", async () => {
  const ctx = commandContext({ args: [] });

  assertEquals(await gitssh(ctx), 2);
  assertMatch(ctx.written.err, /GIT_SSH_COMMAND/);
});

Deno.test("gitssh() ends as ssh does when somebody has cleaned up the directory of the key meanwhile", async () => {
  const ctx = commandContext({
    args: ARGS,
    answer: key,
    async run(command, { io }) {
      if (io === "capture") return { exitCode: 1, output: "" };
      await Deno.remove(dirname(command[2]!), { recursive: true });
      return { exitCode: 0, output: "" };
    },
  });

  assertEquals(await gitssh(ctx), 0);
});
