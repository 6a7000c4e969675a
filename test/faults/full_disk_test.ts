/**
 * Disks without room for bytes or for files, under everything the agent keeps: it says which file could not be written and
 * what to do, leaves nothing half written, keeps what was there, and goes on once there is room.
 *
 * A small file system of its own stands for the disk; where the tests may not mount one, a skipped step says so.
 *
 * @module
 */
import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { join } from "@std/path";

import { systemClock } from "../../core/clock.ts";
import { createLogger, jsonLine, type LogSink, textSink } from "../../core/log.ts";
import { LogFile } from "../../core/log_file.ts";
import { replaceFile } from "../../core/replace_file.ts";
import { Dialer } from "../../core/rpc/dial.ts";
import { parseAgentsFile } from "../../examples/control-plane/agents_file.ts";
import { openSqliteChatStore } from "../../examples/control-plane/chats/sqlite_chat_store.ts";
import { startControlPlane } from "../../examples/control-plane/control_plane.ts";
import { Journal } from "../../plugins/boundarylogs/journal.ts";
import { writeSecretFiles } from "../../plugins/controlplane/secret_files.ts";
import { keepHostKey } from "../../plugins/ssh/host_key.ts";
import { isolatedEnv, ROOT, runAgent, startAgent } from "../agent_process.ts";
import { type Room, withSmallDisk } from "../small_disk.ts";

const BOTH: readonly Room[] = ["bytes", "files"];
const MAIN = [Deno.execPath(), "run", "-A", "--no-prompt", join(ROOT, "main.ts")];

Deno.test("outpost start says that the token cannot be written to a full disk, and leaves no half of one", async (t) => {
  for (const room of BOTH) {
    await withSmallDisk(t, async (disk) => {
      const tokenFile = join(disk.path, "token");
      await disk.fill(room);

      const error = await assertRejects(() => startAgent({ tokenFile }), Error);

      assertStringIncludes(unquoted(error), cannotWrite(tokenFile));
      assertEquals(disk.names(), []);
    });
  }
});

Deno.test("outpost start uses the token that a full disk already holds", async (t) => {
  await withSmallDisk(t, async (disk) => {
    const tokenFile = join(disk.path, "token");
    await Deno.writeTextFile(tokenFile, "kept-from-before\n", { mode: 0o600 });
    await disk.fill("bytes");

    await using agent = await startAgent({ tokenFile });

    assertEquals(agent.token, "kept-from-before");
    assertEquals((await agent.fetch("/readyz").then(drained)).status, 200);
  });
});

Deno.test("outpost start says which socket a disk without room for files cannot hold, and starts when there is room", async (t) => {
  await withSmallDisk(t, async (disk) => {
    const socket = join(disk.path, "agent.sock");
    await disk.fill("files");

    const error = await assertRejects(() => startAgent({ unix: socket }), Error);
    assertStringIncludes(unquoted(error), cannotWrite(socket));
    await disk.makeRoom();
    await using agent = await startAgent({ unix: socket });

    assertEquals(disk.names().includes("agent.sock"), true);
    assertEquals(agent.unix, socket);
    agent.signal("SIGTERM");
    assertEquals((await agent.ended).code, 0);
  });
});

Deno.test("outpost start brings sockets back that were removed from a full disk, once there is room", async (t) => {
  await withSmallDisk(t, async (disk) => {
    const socket = join(disk.path, "agent.sock");
    await using agent = await startAgent({ unix: socket });
    await disk.fill("files");
    // Gives no room back: the listener still holds the file.
    await Deno.remove(socket);

    await until(async () => (await logOf(agent)).includes("cannot be made again"));
    await disk.makeRoom();
    await until(() => disk.names().includes("agent.sock"));

    const ran = await runAgent(["exec", "--unix", socket, "--", "echo", "hello"], { env: agent.env, cwd: agent.dir });
    assertEquals(ran.stdout, ["hello"], ran.stderr.join("\n"));
    agent.signal("SIGTERM");
    assertEquals((await agent.ended).code, 0);
  });
});

Deno.test("outpost start goes on serving when its log is on a full disk", async (t) => {
  await withSmallDisk(t, async (disk) => {
    const log = join(disk.path, "log");
    await Deno.writeTextFile(log, "");
    await disk.fill("bytes");
    const command = ["/bin/sh", "-c", `exec "$@" 2>>'${log}'`, "sh"];

    await using agent = await startAgent({ command: [...command, ...MAIN], args: ["--log-level", "debug"] });
    for (let i = 0; i < 20; i++) assertEquals((await agent.fetch("/api/v0/info").then(drained)).status, 200);
    agent.signal("SIGTERM");

    assertEquals((await agent.ended).code, 0);
    assertEquals((await Deno.stat(log)).size, 0);
  });
});

Deno.test("outpost start without room for the host key runs without ssh, names the key, and has it at the next start", async (t) => {
  for (const room of BOTH) {
    await withSmallDisk(t, async (disk) => {
      const hostKeyFile = join(disk.path, "key");
      const settings = { listen: "127.0.0.1:0", allowAnonymous: true, hostKeyFile };
      const args = Object.entries(settings).flatMap(([key, value]) => ["--set", `plugins.ssh.config.${key}=${value}`]);
      await disk.fill(room);
      {
        await using agent = await startAgent({ args });
        agent.signal("SIGTERM");
        const { code, stderr } = await agent.ended;
        assertEquals([code, agent.listening.failed, disk.names()], [0, ["ssh"], []]);
        assertStringIncludes(stderr.map((line) => JSON.parse(line).error).join("\n"), cannotWrite(hostKeyFile));
      }
      await disk.makeRoom();

      await using agent = await startAgent({ args });

      assertEquals([agent.listening.failed, disk.names().includes("key")], [[], true]);
    });
  }
});

Deno.test("keepHostKey() on a full disk leaves nothing behind, and the key that is there is used", async (t) => {
  for (const room of BOTH) {
    await withSmallDisk(t, async (disk) => {
      const kept = await keepHostKey(join(disk.path, "kept"));
      await disk.fill(room);

      const error = await assertRejects(() => keepHostKey(join(disk.path, "new", "key")), Error);

      assertStringIncludes(error.message, cannotWrite(join(disk.path, "new", "key")));
      assertEquals(disk.names().filter((name) => name !== "new"), ["kept"]);
      assertEquals(await keepHostKey(join(disk.path, "kept")), kept);
    });
  }
});

Deno.test("replaceFile() on a full disk names the file and keeps the old one", async (t) => {
  for (const room of BOTH) {
    await withSmallDisk(t, async (disk) => {
      const path = join(disk.path, "settings");
      await replaceFile(path, "old");
      await disk.fill(room);

      const error = await assertRejects(() => replaceFile(path, "n".repeat(10_000)), Error);

      assertStringIncludes(error.message, cannotWrite(path));
      assertEquals([await Deno.readTextFile(path), disk.names()], ["old", ["settings"]]);
      await disk.makeRoom();
      await replaceFile(path, "new");
      assertEquals(await Deno.readTextFile(path), "new");
    });
  }
});

Deno.test("LogFile goes on in the old file while there is no room for a new one, and keeps the ones before", async (t) => {
  await withSmallDisk(t, async (disk) => {
    const path = join(disk.path, "a.log");
    const lines = (name: string) => Deno.readTextFileSync(join(disk.path, name));
    using file = new LogFile(path, { maxBytes: 12, backups: 2 });
    for (const text of ["first-1\n", "second\n"]) file.writeSync(encode(text));
    await disk.fill("files");

    for (const text of ["third\n", "fourth\n"]) file.writeSync(encode(text));
    assertEquals([lines("a.log.1"), lines("a.log")], ["first-1\n", "second\nthird\nfourth\n"]);
    await disk.makeRoom();
    file.writeSync(encode("fifth\n"));

    assertEquals(disk.names(), ["a.log", "a.log.1", "a.log.2"]);
    assertEquals([lines("a.log.2"), lines("a.log")], ["first-1\n", "fifth\n"]);
  });
});

Deno.test("the log begins a line of its own after one that a full disk cut off", async (t) => {
  await withSmallDisk(t, async (disk) => {
    const path = join(disk.path, "a.log");
    using file = new LogFile(path, { maxBytes: 0, backups: 0 });
    const log = createLogger({ category: ["test"], sink: textSink(jsonLine, file), clock: systemClock });
    // Ends in the middle of a page, so that a part of the next line fits.
    log.info("x".repeat(3900));
    await disk.fill("bytes");

    for (let index = 0; index < 5; index++) log.info("lost", { index, padding: "y".repeat(300) });
    await disk.makeRoom();
    log.info("after");

    const [whole, half, last, end] = (await Deno.readTextFile(path)).split("\n");
    assertEquals(JSON.parse(whole!).message.length, 3900);
    assertThrows(() => JSON.parse(half!), SyntaxError);
    assertEquals([JSON.parse(last!).message, end], ["after", ""]);
  });
});

Deno.test("the boundary journal on a full disk keeps what it has, takes nothing by halves, and goes on", async (t) => {
  for (const room of BOTH) {
    await withSmallDisk(t, async (disk) => {
      const directory = join(disk.path, "journal");
      const options = { directory, maxBytes: 1024 * 1024 };
      const before = await Journal.open(options);
      await before.append(encode("first"));
      await before.close();
      await disk.fill(room);

      const journal = await Journal.open(options);
      await assertRejects(() => journal.append(new Uint8Array(10_000)), Error, "No space left");
      await assertRejects(() => journal.prepend([new Uint8Array(10_000)]), Error, "No space left");
      await assertRejects(() => journal.close(), Error, "No space left");
      await disk.makeRoom();
      const after = await Journal.open(options);
      await after.append(encode("second"));

      const read: string[] = [];
      for (let record = await after.read(); record !== undefined; record = await after.read()) {
        read.push(new TextDecoder().decode(record));
        await after.advance();
      }
      assertEquals([read, after.damaged], [["first", "second"], 0]);
      await after.close();
      assertEquals(disk.names("journal"), ["position.json"]);
    });
  }
});

Deno.test("secrets of the manifest stay as they were on a full disk, each that cannot be written is named", async (t) => {
  for (const room of BOTH) {
    await withSmallDisk(t, async (disk) => {
      const path = join(disk.path, "secret");
      await Deno.writeTextFile(path, "old", { mode: 0o640 });
      const warnings: string[] = [];
      const log = createLogger({
        category: ["test"],
        clock: systemClock,
        sink: ({ properties }) => warnings.push(String(properties.error)),
      });
      const secret = { envName: "", filePath: path, value: encode("n".repeat(10_000)) };
      await disk.fill(room);

      await writeSecretFiles([secret], "", log);
      assertEquals(await Deno.readTextFile(path), "old");
      assertStringIncludes(warnings.join("\n"), cannotWrite(path));
      await disk.makeRoom();
      await writeSecretFiles([secret], "", log);

      assertEquals([(await Deno.stat(path)).size, (await Deno.stat(path)).mode! & 0o777], [10_000, 0o640]);
    });
  }
});

Deno.test("commands that write files name the one that a full disk cannot hold, and leave none of several", async (t) => {
  for (const room of BOTH) {
    await withSmallDisk(t, async (disk) => {
      const home = join(disk.path, "home");
      await Deno.mkdir(home);
      await disk.fill(room);
      const outpost = async (...args: string[]) => {
        const { code, stderr } = await runAgent(args, { env: isolatedEnv(home), cwd: disk.path });
        return [code, stderr.join("\n")] as const;
      };

      for (
        const [path, args] of [
          [join(disk.path, "schema.json"), ["config", "schema", "schema.json"]],
          [join(home, ".config/systemd/user/outpost.service"), ["install", "--systemd"]],
          [join(disk.path, "notes"), ["new", "plugin", "notes", "--dir", join(disk.path, "notes")]],
        ] as const
      ) {
        const [code, stderr] = await outpost(...args);
        assertEquals(code, 1, stderr);
        assertStringIncludes(stderr, `Cannot write "${path}`);
        assertStringIncludes(stderr, "No space left");
      }

      assertEquals(filesBelow(disk.path).filter((path) => !path.includes("filling")), []);
    });
  }
});

Deno.test("chats stay readable on a full disk, what cannot be stored is refused whole, and goes in when there is room", async (t) => {
  await withSmallDisk(t, async (disk) => {
    const path = join(disk.path, "plane.db");
    const chat = { id: "c", title: "before", model: "m", mode: "default", status: "waiting", createdAt: "1" } as const;
    const text = (text: string) => ({ role: "user", content: [{ type: "text", text }], createdAt: "now" }) as const;
    using chats = openSqliteChatStore(path);
    chats.save({ ...chat, updatedAt: "1" });
    chats.addMessage("c", text("kept"));
    await disk.fill("bytes");

    assertThrows(() => chats.addMessage("c", text("x".repeat(200_000))), Error, "full");
    assertEquals(chats.messages("c").length, 1);
    await disk.makeRoom();
    chats.addMessage("c", text("x".repeat(200_000)));

    assertEquals([chats.messages("c").length, chats.chat("c")?.title], [2, "before"]);
  });
});

Deno.test("the control plane lets an agent go whose connection it cannot note on a full disk, says why, and takes it when there is room", async (t) => {
  await withSmallDisk(t, async (disk) => {
    const token = crypto.randomUUID();
    const agents = parseAgentsFile(JSON.stringify({ agents: [{ name: "dev", token }] }), "test");
    const lines: string[] = [];
    const logSink: LogSink = ({ rawMessage, properties }) => lines.push(`${rawMessage}: ${properties.error ?? ""}`);
    await using plane = startControlPlane({ agents, logSink, database: join(disk.path, "plane.db") });
    const dial = () => new Dialer({ url: plane.address, token: () => token }).dial(new AbortController().signal);
    const connection = async () => {
      const headers = { authorization: `Bearer ${plane.token}` };
      return (await (await fetch(`${plane.address}/api/agents/dev`, { headers })).json()).connection;
    };
    await disk.fill("bytes");

    const refused = await dial();
    await refused.released;
    const atFirst = await connection();
    await disk.makeRoom();
    const taken = await dial();
    await until(async () => await connection() === "connected");
    taken.close();
    await taken.released;

    assertEquals(atFirst, "never connected");
    assertStringIncludes(lines.join("\n"), "agent cannot be served: database or disk is full");
  });
});

/** What is said of every file that a full disk cannot hold. */
function cannotWrite(path: string): string {
  return `Cannot write "${path}": No space left on device (os error 28); make room there`;
}

/** What the agent said as JSON before it ended. */
function unquoted({ message }: Error): string {
  return message.replaceAll('\\"', '"');
}

function encode(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

/** Every file below a directory. */
function filesBelow(directory: string): string[] {
  return [...Deno.readDirSync(directory)].flatMap(({ name, isDirectory }) => {
    const path = join(directory, name);
    return isDirectory ? filesBelow(path) : [path];
  });
}

async function logOf(agent: { fetch(path: string): Promise<Response> }): Promise<string> {
  return await (await agent.fetch("/api/v0/logs")).text();
}

async function until(isSo: () => boolean | Promise<boolean>): Promise<void> {
  const endsAt = performance.now() + 120_000;
  while (!await isSo()) {
    if (performance.now() > endsAt) throw new Error(`Still not so: ${isSo}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function drained(response: Response): Promise<Response> {
  await response.body?.cancel();
  return response;
}
