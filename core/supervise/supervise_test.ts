/**
 * The parent as a process, above programs that a test can see through; outside its own process 1 and as one.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { TextLineStream } from "@std/streams";
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

import { asProcessOne, childrenOf, stateOf } from "../../test/process_namespace.ts";

const PARENT = fromFileUrl(import.meta.resolve("./testdata/parent_of.ts"));
const SCALE = Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? 1);
/** Longest wait for anything, in milliseconds. Far above what a loaded machine needs: it only ends hangs. */
const HANG_MS = 120_000;
const onlyLinux = { ignore: Deno.build.os !== "linux" };

interface LogLine {
  readonly message: string;
  readonly [field: string]: unknown;
}

/** A running parent. */
interface Running {
  /** Of the parent, as this process sees it. */
  readonly pid: number;
  /** Of the program below it, as this process sees it. */
  child(): number;
  /** Resolves with the next line of output that holds `text`. */
  says(text: string): Promise<string>;
  /** Resolves with the next log line with this message. */
  logs(message: string): Promise<LogLine>;
  kill(signal: Deno.Signal): void;
  readonly ended: Promise<{ readonly code: number; readonly out: string[]; readonly log: LogLine[] }>;
}

/** Lines as they come, for those who wait for one. Each is handed out once. */
class Lines {
  readonly all: string[] = [];
  readonly read: Promise<void>;
  #next = 0;
  #arrived = Promise.withResolvers<void>();
  #isOver = false;

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.read = this.#read(stream);
  }

  async #read(stream: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<void> {
    for await (const line of stream.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream())) {
      this.all.push(line);
      this.#arrived.resolve();
      this.#arrived = Promise.withResolvers();
    }
    this.#isOver = true;
    this.#arrived.resolve();
  }

  async next(text: string): Promise<string> {
    for (;;) {
      const line = this.all[this.#next];
      if (line !== undefined) {
        this.#next++;
        if (line.includes(text)) return line;
      } else if (this.#isOver) throw new Error(`"${text}" was not said, but:\n${this.all.join("\n")}`);
      else await deadline(this.#arrived.promise, HANG_MS);
    }
  }
}

interface Options {
  readonly asInit?: boolean;
  readonly restart?: boolean;
}

/** Runs `sh -c script` below a parent until it has ended or `use` is through. */
async function withParent(script: string, options: Options, use: (running: Running) => Promise<void>): Promise<void> {
  const [program = "", ...args] = [
    ...options.asInit ? asProcessOne() : [],
    ...[Deno.execPath(), "run", "-A", "--quiet", PARENT, ...options.restart ? ["--restart"] : []],
    ...["/bin/sh", "sh", "-c", script],
  ];
  const process = new Deno.Command(program, { args, stdin: "null", stdout: "piped", stderr: "piped" }).spawn();
  const [out, log] = [new Lines(process.stdout), new Lines(process.stderr)];
  try {
    await log.next("reaper catching signals");
    const pid = options.asInit ? childrenOf(process.pid)[0]! : process.pid;
    await use({
      pid,
      child: () => childrenOf(pid)[0]!,
      says: (text) => out.next(text),
      logs: async (message) => JSON.parse(await log.next(`"${message}"`)),
      kill: (signal) => Deno.kill(pid, signal),
      ended: deadline(Promise.all([process.status, out.read, log.read]), HANG_MS).then(([{ code }]) => ({
        code,
        out: out.all,
        log: log.all.map((line) => JSON.parse(line)),
      })),
    });
  } finally {
    end(process, options);
    await Promise.all([process.status, out.read, log.read]);
  }
}

/** The parent ends what it finds below it, once it knows that nothing should run any more. */
function end(process: Deno.ChildProcess, { asInit }: Options): void {
  try {
    process.kill(asInit ? "SIGKILL" : "SIGTERM");
    for (const child of asInit ? [] : childrenOf(process.pid)) Deno.kill(child, "SIGKILL");
  } catch {
    // It ended by itself.
  }
}

/** Shell: prints how many zombies are left once nothing is on its way to become one, or when patience is over. */
const ZOMBIES = `
zombies() { cat /proc/[0-9]*/stat 2>/dev/null | grep -cE '\\(sleep\\)|\\) Z '; }
left=1 tries=0
while [ "$left" -gt 0 ] && [ $tries -lt 2000 ]; do left=$(zombies); tries=$((tries + 1)); done
echo "zombies $left"`;

for (const [script, code] of [["exit 0", 0], ["exit 1", 1], ["exit 42", 42], ["exit 255", 255]] as const) {
  Deno.test({
    ...onlyLinux,
    name: `supervise() as process 1 returns what the program ended with: ${script}`,
    fn: () =>
      withParent(script, { asInit: true }, async ({ ended }) => {
        const { code: seen, log } = await ended;

        assertEquals([seen, log.at(-1)?.exit_code], [code, code]);
      }),
  });
}

for (const [signal, code] of [["KILL", 137], ["TERM", 143], ["SEGV", 139]] as const) {
  Deno.test({
    ...onlyLinux,
    name: `supervise() as process 1 returns 128 and the number when a signal ended the program: SIG${signal}`,
    fn: () =>
      withParent(`kill -${signal} $$`, { asInit: true }, async ({ ended }) => {
        const { code: seen, log } = await ended;

        assertEquals([seen, log.at(-1)?.signal], [code, code - 128]);
      }),
  });
}

Deno.test({
  ...onlyLinux,
  name: "supervise() gives the program its environment, directory and standard input",
  async fn() {
    await withParent(
      'echo "$PATH $PWD"; readlink /proc/$$/fd/0; env | grep -c ^OUTPOST_PROCESS=',
      {},
      async (parent) => {
        const { out } = await parent.ended;

        assertEquals(out, [`${Deno.env.get("PATH")} ${Deno.cwd()}`, "/dev/null", "1"]);
      },
    );
  },
});

Deno.test({
  ...onlyLinux,
  name: "supervise() as process 1 takes away every orphan and leaves no zombie",
  async fn() {
    const count = 1000 * SCALE;
    // Each subshell ends before the program it started, which so becomes a child of process 1.
    const script = `i=0; while [ $i -lt ${count} ]; do (sleep 0 &); i=$((i + 1)); done\n${ZOMBIES}`;

    await withParent(script, { asInit: true }, async ({ ended }) => {
      const { code, out, log } = await ended;

      assertEquals([code, out], [0, ["zombies 0"]]);
      const reaped = Number(log.at(-1)?.reaped);
      assert(reaped > count, `${reaped} of ${count} orphans and the program were taken away`);
    });
  },
});

Deno.test({
  ...onlyLinux,
  name: "supervise() as process 1 takes away orphans that were killed, and those that ended while it was stopped",
  async fn() {
    const script = `
(sleep 1000 & echo orphan $!); (sleep 1000 & echo orphan $!)
echo ready; while pgrep -x sleep >/dev/null; do :; done; ${ZOMBIES}`;
    await withParent(script, { asInit: true }, async (parent) => {
      await parent.says("ready");
      const orphans = childrenOf(parent.pid).filter((pid) => pid !== parent.child());
      assertEquals(orphans.length, 2);

      parent.kill("SIGSTOP");
      for (const orphan of orphans) Deno.kill(orphan, "SIGKILL");
      parent.kill("SIGCONT");

      const { out } = await parent.ended;
      assertEquals(out.at(-1), "zombies 0");
    });
  },
});

Deno.test({
  ...onlyLinux,
  name: "supervise() passes each signal to the program alone, and says which one came",
  async fn() {
    const script = `(trap '' HUP; trap 'echo group got it' INT TERM; while :; do sleep 0.01; done) &
trap 'echo got INT' INT; trap 'echo got HUP' HUP; trap 'echo got TERM; kill -KILL $!; exit 7' TERM
echo ready; while :; do wait; done`;
    await withParent(script, {}, async (parent) => {
      await parent.says("ready");
      const pid = parent.child();

      for (const name of ["INT", "HUP", "TERM"] as const) {
        parent.kill(`SIG${name}`);
        await parent.says(`got ${name}`);
        const { signal, child_pid } = await parent.logs("reaper caught signal, killing child process");
        assertEquals([signal, child_pid], [`SIG${name}`, pid]);
      }

      const { code, out } = await parent.ended;
      assertEquals([code, out], [7, ["ready", "got INT", "got HUP", "got TERM"]]);
    });
  },
});

Deno.test({
  ...onlyLinux,
  name: "supervise() survives a storm of signals and the ends of many children at once",
  async fn() {
    const script = `trap 'hup=yes' HUP; trap 'int=yes' INT; trap 'done=yes' TERM; echo ready
while [ -z "$done" ]; do (sleep 0 &); done
echo "hup $hup int $int"${ZOMBIES}`;
    await withParent(script, { asInit: true }, async (parent) => {
      await parent.says("ready");

      for (let i = 0; i < 500; i++) {
        parent.kill("SIGHUP");
        parent.kill("SIGINT");
        parent.kill("SIGCHLD");
      }
      parent.kill("SIGTERM");

      const { code, out } = await parent.ended;
      assertEquals([code, out.slice(1)], [0, ["hup yes int yes", "zombies 0"]]);
    });
  },
});

Deno.test({
  ...onlyLinux,
  name: "supervise() ends what the program leaves running, also what left its group and hides where it comes from",
  async fn() {
    // One in the program's group, one in a session of its own, one whose environment is empty and whose parent is gone.
    const script = `sleep 1000 & echo left $!; setsid sleep 1000 & echo left $!
(env -i /bin/sleep 1000 & echo left $!); echo ready; kill -KILL $$`;
    await withParent(script, {}, async ({ ended, logs }) => {
      const { pids } = await logs("ended what the agent left running");
      const { code, out } = await ended;

      const left = out.filter((line) => line.startsWith("left")).map((line) => Number(line.slice("left ".length)));
      assertEquals((pids as number[]).toSorted(), left.toSorted());
      assertEquals([code, left.map(stateOf)], [137, [undefined, undefined, undefined]]);
    });
  },
});

Deno.test({
  ...onlyLinux,
  name: "supervise() outside process 1 becomes the parent of orphans where the kernel allows",
  fn: () =>
    withParent(`(sleep 1000 & echo orphan $!); echo ready; sleep 1000`, {}, async (
      { says, pid },
    ) => {
      const orphan = Number((await says("orphan")).slice("orphan ".length));
      await says("ready");

      assert(childrenOf(pid).includes(orphan));
    }),
});

Deno.test({
  ...onlyLinux,
  name: "supervise() gives the program a session of its own and stops and goes on with it",
  async fn() {
    await withParent("echo ready; while :; do sleep 0.01; done", {}, async (parent) => {
      await parent.says("ready");
      const child = parent.child();

      parent.kill("SIGTSTP");
      await until(() => stateOf(parent.pid) === "T" && stateOf(child) === "T");
      parent.kill("SIGCONT");
      await until(() => stateOf(parent.pid) !== "T" && stateOf(child) !== "T");

      const [, , session] = Deno.readTextFileSync(`/proc/${child}/stat`).split(") ")[1]!.split(" ").slice(1);
      assertEquals(Number(session), child);
    });
  },
});

Deno.test({
  ...onlyLinux,
  name: "supervise() starts a crashed program again, and no longer once it was asked to end",
  async fn() {
    await withParent("echo started $$; trap 'exit 9' TERM; kill -SEGV $$", { restart: true }, async (parent) => {
      const first = await parent.says("started");
      const { signal, exit_code, pause_ms } = await parent.logs("the agent crashed and is started again");
      assertEquals([signal, exit_code], [11, 139]);
      assert(Number(pause_ms) >= 500 && Number(pause_ms) <= 1000, `${pause_ms}`);
      assert(await parent.says("started") !== first);

      await parent.logs("the agent crashed and is started again");
      parent.kill("SIGTERM");

      const { code, out } = await parent.ended;
      assertEquals([code, out.length], [139, 2]);
    });
  },
});

Deno.test({
  ...onlyLinux,
  name: "supervise() does not start a program again that ended cleanly or was set up wrongly",
  async fn() {
    for (const code of [0, 2]) {
      await withParent(`echo started; exit ${code}`, { restart: true }, async ({ ended }) => {
        const { code: seen, out } = await ended;
        assertEquals([seen, out], [code, ["started"]]);
      });
    }
  },
});

async function until(isSo: () => boolean): Promise<void> {
  const endsAt = performance.now() + HANG_MS;
  while (!isSo()) {
    if (performance.now() > endsAt) throw new Error(`Still not so: ${isSo}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}
