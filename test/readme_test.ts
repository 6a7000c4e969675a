/**
 * What the documents show, works: every `sh`, `ts` and `jsonc` block of the READMEs is run or checked.
 *
 * Commands run in the repository, against an agent of their own that they find where commands look for it. `deno`,
 * `npx -y deno@…` and `outpost` are this checkout, so that nothing is downloaded. Markers are described in CONTRIBUTING.md.
 *
 * @module
 */
import { assert, assertEquals } from "@std/assert";
import { dirname, join, toFileUrl } from "@std/path";

import { writeProgram } from "../core/testing_program.ts";
import { type AgentProcess, ROOT, runAgent, startAgent } from "./agent_process.ts";
import { containsOutput, type FencedBlock, fencedBlocks } from "./fenced_blocks.ts";

/** A place for one document's checks. */
interface Bench {
  readonly agent: AgentProcess;
  readonly dir: string;
  /** Where commands run and files are written. */
  readonly cwd: string;
}

const CHECKS: Readonly<Record<string, (block: FencedBlock, bench: Bench) => Promise<void>>> = {
  sh: runShell,
  jsonc: checkConfig,
};

for (const document of await documents()) {
  const blocks = fencedBlocks(await Deno.readTextFile(ROOT + document));
  const checked = blocks.filter((block) =>
    block.notRun === undefined &&
    (block.file !== undefined || block.language === "ts" || Object.hasOwn(CHECKS, block.language))
  );
  const typed = checked.filter((block) => block.language === "ts" && block.file === undefined);
  if (checked.length === 0) continue;
  Deno.test(`${document} shows what works`, async (t) => {
    const dir = await Deno.makeTempDir({ prefix: "outpost-readme-" });
    try {
      await writeShims(dir);
      // A guide builds something up in a folder of its own; other documents speak of the repository.
      const cwd = document === "docs/guide.md" ? join(dir, "work") : ROOT;
      await Deno.mkdir(cwd, { recursive: true });
      await using agent = await startAgent();
      if (typed.length > 0) {
        await t.step(`types in lines ${typed.map(({ line }) => line).join(", ")}`, () => checkTypes(typed, dir));
      }
      for (const block of checked) {
        if (typed.includes(block)) continue;
        await t.step(`line ${block.line}: ${block.language}: ${block.code.split("\n")[0]}`, async () => {
          if (block.file !== undefined) await writeBlock(join(cwd, block.file), block.code);
          else await CHECKS[block.language]!(block, { agent, dir, cwd });
        });
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  });
}

async function documents(): Promise<string[]> {
  const candidates = [
    ...["README.md", "docs/attached_plugins.md", "docs/guide.md", "examples/README.md", "plugins/README.md"],
  ];
  for (const folder of ["plugins", "examples/plugins"]) {
    for await (const entry of Deno.readDir(`${ROOT}${folder}`)) {
      if (entry.isDirectory) candidates.push(`${folder}/${entry.name}/README.md`);
    }
  }
  const found = candidates.filter((path) => {
    try {
      return Deno.statSync(ROOT + path).isFile;
    } catch {
      return false; // A plugin in the making may have none yet.
    }
  });
  return found.sort();
}

async function writeBlock(path: string, code: string): Promise<void> {
  await Deno.mkdir(dirname(path), { recursive: true });
  await Deno.writeTextFile(path, `${code}\n`);
}

async function runShell(block: FencedBlock, { agent, dir, cwd }: Bench): Promise<void> {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: ["-eu", "-c", block.code],
    cwd,
    env: { ...agent.env, PATH: `${join(dir, "bin")}:${agent.env.PATH}` },
    clearEnv: true,
    stdin: "null",
  }).output();
  const [out, err] = [new TextDecoder().decode(stdout), new TextDecoder().decode(stderr)];
  assertEquals(code, 0, `${block.code}\n${out}${err}`);
  if (block.output !== undefined) {
    assert(containsOutput(out + err, block.output), `Expected ${block.output}\nGot ${out}${err}`);
  }
}

/** Checks the types of blocks, all at once: most of the time goes into the agent's own, which each of them imports. */
async function checkTypes(blocks: readonly FencedBlock[], dir: string): Promise<void> {
  const config = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as {
    readonly name: string;
    readonly imports: Record<string, string>;
    readonly exports: Record<string, string>;
  };
  const local = (target: string) => target.startsWith("./") ? toFileUrl(join(ROOT, target)).href : target;
  const imports = Object.entries(config.imports).map(([from, to]) => [from, local(to)]);
  const own = Object.entries(config.exports).map(([from, to]) => [join(config.name, from), local(to)]);
  const files = blocks.map(({ line }) => join(dir, `block_${line}.ts`));
  await Deno.writeTextFile(
    join(dir, "deno.json"),
    JSON.stringify({ imports: Object.fromEntries([...imports, ...own]) }),
  );
  for (const [index, { code }] of blocks.entries()) await Deno.writeTextFile(files[index]!, code);
  const { code, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["check", "--quiet", "--no-lock", "--config", join(dir, "deno.json"), ...files],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
}

async function checkConfig(block: FencedBlock, { agent, dir }: Bench): Promise<void> {
  const file = join(dir, `block_${block.line}.jsonc`);
  await Deno.writeTextFile(file, block.code);
  const { code, stdout, stderr } = await runAgent(["config", "check", "--config", file], { env: agent.env, cwd: dir });
  assertEquals(code, 0, [...stdout, ...stderr].join("\n"));
}

/** `deno`, `npx` and `outpost` of this checkout in front of the path. */
async function writeShims(dir: string): Promise<void> {
  const bin = join(dir, "bin");
  await Deno.mkdir(bin);
  const deno = `'${Deno.execPath()}'`;
  const shims = {
    deno: `exec ${deno} "$@"`,
    npx: `[ "$1" = -y ] || exit 64\ncase "$2" in deno@*) shift 2; exec ${deno} "$@";; esac\nexit 64`,
    outpost: `exec ${deno} run -A '${ROOT}main.ts' "$@"`,
  };
  for (const [name, script] of Object.entries(shims)) {
    await writeProgram(join(bin, name), `#!/bin/sh\n${script}\n`);
  }
}
