/**
 * What the client does on every platform. Imports nothing but the client, so that it runs wherever the client does.
 *
 * @module
 */
import { OutpostApiError, OutpostClient, OutpostConnectionError, type Transport } from "../../client/mod.ts";

/** Where the suite runs. */
export interface Platform {
  readonly transport: Transport;
  /** Absolute path of an empty folder on the agent's machine. */
  readonly home: string;
}

/** One behaviour. Throws when it is not there. */
export interface Case {
  readonly name: string;
  run(platform: Platform): Promise<void>;
}

/** Runs every case, one after the other. Resolves to what failed, by name. */
export async function runSuite(platform: Platform): Promise<{ readonly passed: number; readonly failed: string[] }> {
  const failed: string[] = [];
  for (const { name, run } of SUITE) {
    try {
      await run(platform);
    } catch (error) {
      failed.push(`${name}: ${error instanceof Error ? error.stack ?? error.message : error}`);
    }
  }
  return { passed: SUITE.length - failed.length, failed };
}

/** Every behaviour. */
export const SUITE: readonly Case[] = [
  {
    name: "info() and health() tell about the agent",
    async run({ transport }) {
      const agent = new OutpostClient(transport);

      const { capabilities } = await agent.info();

      same(capabilities.includes("processes.stream"), true);
      same((await agent.health()).status, "ok");
      same((await agent.readiness()).status, "ready");
    },
  },
  {
    name: "processes.start() and wait() run a command to its end",
    async run({ transport }) {
      const { processes } = new OutpostClient(transport);

      const { id } = await processes.start({ command: "echo out; exit 3" });
      const end = await processes.wait(id);

      same([end.output, end.exit_code, end.running], ["out\n", 3, false]);
      same((await processes.list()).some((process) => process.id === id), true);
    },
  },
  {
    name: "processes.start() with a token starts nothing twice",
    async run({ transport }) {
      const { processes } = new OutpostClient(transport);
      const request = { command: "true", client_token: `token-${Math.random()}` };

      const [first, second] = [await processes.start(request), await processes.start(request)];

      same([second.id, second.started], [first.id, false]);
      same((await processes.byToken(request.client_token)).id, first.id);
    },
  },
  {
    name: "processes.stream() gives every byte of both streams and ends with the exit",
    async run({ transport }) {
      const { processes } = new OutpostClient(transport);
      const { id } = await processes.start({ command: "printf 'a\\377b'; printf e >&2; exit 7", output: "separate" });
      const bytes: Record<string, number[]> = { output: [], errors: [] };
      let code: number | undefined;

      for await (const event of processes.stream(id)) {
        if (event.event === "output") bytes[event.stream]!.push(...event.bytes);
        if (event.event === "exit") code = event.exit_code;
      }

      same(bytes, { output: [97, 255, 98], errors: [101] });
      same(code, 7);
    },
  },
  {
    name: "processes.stream() continues where a lost connection was, without a byte twice",
    async run({ transport }) {
      const { id } = await new OutpostClient(transport).processes.start({
        command: "i=0; while [ $i -lt 40 ]; do echo line $i; i=$((i+1)); sleep 0.01; done",
      });
      const breaking = breakingTransport(transport, 300);
      let text = "";

      for await (const event of new OutpostClient(breaking).processes.stream(id)) {
        if (event.event === "output") text += new TextDecoder().decode(event.bytes);
      }

      same(text, Array.from({ length: 40 }, (_, index) => `line ${index}\n`).join(""));
      same(breaking.broken > 2, true);
    },
  },
  {
    name: "processes.stream() gives up when the connection cannot be had again",
    async run({ transport }) {
      const { processes } = new OutpostClient({
        fetch: (path, init) =>
          path.includes("/stream") ? Promise.reject(new TypeError("cut")) : transport.fetch(path, init),
      });

      const error = await thrown(async () => {
        for await (const _ of processes.stream("0", { attempts: 1 })) throw new Error("there is no event");
      });

      same(error instanceof OutpostConnectionError, true);
    },
  },
  {
    name: "processes.write() feeds a command and closes its input",
    async run({ transport }) {
      const { processes } = new OutpostClient(transport);
      const { id } = await processes.start({ command: "cat", args: [], stdin: "piped" });

      await processes.write(id, "one ");
      await processes.write(id, new TextEncoder().encode("two"), { close: true });

      same((await processes.wait(id)).output, "one two");
    },
  },
  {
    name: "processes.signal() ends a command",
    async run({ transport }) {
      const { processes } = new OutpostClient(transport);
      const { id } = await processes.start({ command: "sleep 600" });

      await processes.signal(id, "kill");

      same((await processes.wait(id)).signal, "SIGKILL");
    },
  },
  {
    name: "a signal ends a wait with its reason",
    async run({ transport }) {
      const { processes } = new OutpostClient(transport);
      const { id } = await processes.start({ command: "sleep 600" });
      const abort = new AbortController();

      const waiting = thrown(() => processes.wait(id, { signal: abort.signal }));
      abort.abort(new RangeError("enough"));

      same((await waiting as Error).message, "enough");
      await processes.signal(id, "kill");
    },
  },
  {
    name: "a signal ends a stream with its reason",
    async run({ transport }) {
      const { processes } = new OutpostClient(transport);
      const { id } = await processes.start({ command: "echo one; sleep 600" });
      const abort = new AbortController();

      const error = await thrown(async () => {
        for await (const _ of processes.stream(id, { signal: abort.signal })) abort.abort(new RangeError("enough"));
      });

      same((error as Error).message, "enough");
      await processes.signal(id, "kill");
    },
  },
  {
    name: "errors carry status, code and message of the agent",
    async run({ transport }) {
      const { processes } = new OutpostClient(transport);

      const error = await thrown(() => processes.output("no-such-process"));

      same(error instanceof OutpostApiError, true);
      const { status, code, message, problem } = error as OutpostApiError;
      same([status, code, message], [404, "not_found", 'Process "no-such-process" not found']);
      same(problem.plugin, "agentproc");
    },
  },
  {
    name: "files.write(), read() and edit() keep track of versions",
    async run({ transport, home }) {
      const { files } = new OutpostClient(transport);
      const path = `${home}/folder/ä b&c.txt`;

      const { version } = await files.write(path, "one\ntwo\n", { ifNoneMatch: "*" });
      const first = await files.read(path);
      await files.edit({ files: [{ path, edits: [{ search: "two", replace: "three" }], if_match: version }] });
      const refused = await thrown(() => files.write(path, "late", { ifMatch: version }));

      same([await first.text(), first.version], ["one\ntwo\n", version]);
      same((refused as OutpostApiError).status, 412);
      same(await (await files.read(path)).text(), "one\nthree\n");
      same(await files.read(path, { offset: 4, limit: 5 }).then((part) => part.text()), "three");
    },
  },
  {
    name: "files.readIfChanged() spares what is known",
    async run({ transport, home }) {
      const { files } = new OutpostClient(transport);
      const path = `${home}/known.bin`;
      const { version } = await files.write(path, new Uint8Array([0, 255]));

      const same304 = await files.readIfChanged(path, version);
      const other = await files.readIfChanged(path, '"other"');

      same(same304, undefined);
      same([...await other!.bytes()], [0, 255]);
    },
  },
  {
    name: "files.lines(), list() and resolve() look at the workspace",
    async run({ transport, home }) {
      const { files } = new OutpostClient(transport);
      await files.write(`${home}/look/a.txt`, "first\nsecond");

      const { success, total_lines } = await files.lines(`${home}/look/a.txt`, { limit: 1 });
      const listing = await files.list(`${home}/look`);

      same([success, total_lines], [true, 2]);
      same(listing.contents.map(({ name }) => name), ["a.txt"]);
      same(home.startsWith((await files.list([])).absolute_path_string), true);
      same(await files.resolve(`${home}/look/../look/a.txt`), `${home}/look/a.txt`);
    },
  },
  {
    name: "git.status(), diff() and show() tell about a repository",
    async run({ transport, home }) {
      const { git, files } = new OutpostClient(transport);
      const root = await makeRepository(transport, `${home}/repo`);
      await files.write(`${root}/a.txt`, "new\n");

      const status = await git.status(root);
      const diff = await git.diff(root);

      same([status.repo_root, status.files.map(({ path }) => path)], [root, ["a.txt"]]);
      same(diff.unified_diff.includes("+new"), true);
      same(await git.show(root, "a.txt"), "old\n");
    },
  },
  {
    name: "git.watch() tells of a change that a chat made, and ends when it is closed",
    async run({ transport, home }) {
      const root = await makeRepository(transport, `${home}/watched`);
      const chat = { id: "6ba7b810-9dad-41d1-80b4-00c04fd430c8" };
      const agent = new OutpostClient(transport, { chat });
      await agent.files.write(`${root}/a.txt`, "new\n");
      const watch = agent.git.watch({ chatId: chat.id });
      let diff = "";

      for await (const message of watch) {
        if (message.type !== "changes") continue;
        diff = message.repositories?.find(({ repo_root }) => repo_root === root)?.unified_diff ?? "";
        if (diff !== "") break;
        await watch.refresh();
      }

      same(diff.includes("+new"), true);
    },
  },
  {
    name: "a signal ends a watch with its reason",
    async run({ transport }) {
      const abort = new AbortController();
      const watch = new OutpostClient(transport).git.watch({ signal: abort.signal });

      const error = thrown(async () => {
        for await (const _ of watch) throw new Error("there is no message");
      });
      await watch.refresh();
      abort.abort(new RangeError("enough"));

      same((await error as Error).message, "enough");
    },
  },
];

async function makeRepository(transport: Transport, root: string): Promise<string> {
  const { processes, files } = new OutpostClient(transport);
  await files.write(`${root}/a.txt`, "old\n");
  const { id } = await processes.start({
    command: "git init -q . && git add -A && git -c user.name=t -c user.email=t@example.com commit -qm one",
    workdir: root,
  });
  const { exit_code, output } = await processes.wait(id);
  if (exit_code !== 0) throw new Error(output);
  return root;
}

/** Cuts every stream after `bytes`, as a network that fails does. */
function breakingTransport(transport: Transport, bytes: number): Transport & { readonly broken: number } {
  let broken = 0;
  return {
    get broken() {
      return broken;
    },
    async fetch(path, init) {
      const response = await transport.fetch(path, init);
      if (!path.includes("/stream") || !response.ok) return response;
      const reader = response.body!.getReader();
      let left = bytes;
      const cut = new ReadableStream<Uint8Array>({
        async pull(controller) {
          const { done, value } = await reader.read();
          if (done) return controller.close();
          controller.enqueue(value.subarray(0, left));
          left -= value.length;
          if (left > 0) return;
          broken++;
          await reader.cancel();
          controller.error(new TypeError("the connection was cut"));
        },
        cancel: (reason) => reader.cancel(reason),
      }, { highWaterMark: 0 });
      return new Response(cut, { status: response.status, headers: response.headers });
    },
  };
}

async function thrown(work: () => Promise<unknown>): Promise<unknown> {
  try {
    await work();
  } catch (error) {
    return error;
  }
  throw new Error("Expected an error");
}

function same(actual: unknown, expected: unknown): void {
  const [left, right] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (left !== right) throw new Error(`Expected ${right}, got ${left}`);
}
