/**
 * `deno task doc-lint`: checks the documentation of every module that `exports` lists.
 *
 * Three findings of `deno doc --lint` are left to the reviewer: a member without a comment inside a documented type, whose name
 * and type may say everything; a reference to a type that is no part of our public API on purpose, because a package
 * documents it or because it is a brand; and what is said of generated code, whose comments are the .proto file's.
 *
 * @module
 */
import { fromFileUrl } from "@std/path";

const ROOT = fromFileUrl(new URL("../", import.meta.url));

/** One finding of `deno doc --lint`. */
export interface Finding {
  readonly code: string;
  readonly message: string;
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

/** Reads the findings from what `deno doc --lint` prints without colours. */
export function readFindings(output: string): Finding[] {
  return [...output.matchAll(/^error\[([\w-]+)\]: (.*)\n\s*--> (.*):(\d+):\d+$/gm)].map((
    [, code = "", message = "", file = "", line],
  ) => ({ code, message, file, line: Number(line) }));
}

/** Whether a finding is about a member, which stands indented, and only misses its comment. */
export function isBareMember(finding: Finding, sourceLine: string): boolean {
  return finding.code === "missing-jsdoc" && /^\s/.test(sourceLine);
}

/** Whether a finding is about a type that another package documents, or about the symbol that brands a type of ours. */
export function isForeign(finding: Finding, source: string): boolean {
  const name = /references private type '(\w+)'/.exec(finding.message)?.[1];
  if (finding.code !== "private-type-ref" || name === undefined) return false;
  if (new RegExp(`^declare const ${name}: unique symbol;$`, "m").test(source)) return true;
  const imports = source.matchAll(/^import (?:type )?\{([^}]*)\} from "(?![./])[^"]+";$/gm);
  const foreign = [...imports].flatMap(([, names = ""]) =>
    names.split(",").map((one) => one.trim().replace(/^type /, ""))
  );
  return foreign.some((one) => one === name || new RegExp(`\\b${one}\\.${name}\\b`).test(source));
}

/** Whether a program wrote the file. */
export function isGenerated(source: string): boolean {
  return /^\/\/ @generated /m.test(source);
}

async function main(): Promise<number> {
  const config = JSON.parse(await Deno.readTextFile(`${ROOT}deno.json`)) as { exports: Record<string, string> };
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--lint", "--quiet", ...Object.values(config.exports)],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  if (code === 0) return 0;

  const output = new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr);
  const findings = readFindings(output);
  if (findings.length === 0) {
    console.error(output);
    return code;
  }
  const kept = findings.filter((finding) => {
    const source = Deno.readTextFileSync(finding.file);
    if (isGenerated(source)) return false;
    return !isBareMember(finding, source.split("\n")[finding.line - 1] ?? "") && !isForeign(finding, source);
  });
  for (const { file, line, code, message } of kept) console.error(`${file}:${line}: ${message} (${code})`);
  return kept.length > 0 ? 1 : 0;
}

if (import.meta.main) Deno.exit(await main());
