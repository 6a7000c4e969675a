/**
 * Which members of the plugin contract the example plugins use: `deno run -A --no-lock tools/contract_use.ts` prints them as JSON.
 *
 * The TypeScript compiler says so, as it knows what `ctx.exec` became in the file that got it. It is loaded by a name that nothing reads
 * beforehand: no other part of the repository has a use for it, and what the lock file lists can end up in binaries.
 *
 * @module
 */
import { dirname, fromFileUrl, join, resolve } from "@std/path";

const ROOT = fromFileUrl(new URL("../", import.meta.url));
const CONTRACT: readonly string[] = ["core/plugin.ts", "core/plugin_commands.ts"].map((file) => join(ROOT, file));
const EXAMPLES = join(ROOT, "examples/plugins/");
const TYPESCRIPT = "npm:typescript@5.9.3";

// deno-lint-ignore no-explicit-any -- see above: its types would have to be loaded, too
type Loose = any;

/** Names of the examples that use each member, such as `"Exec.spawn": ["test-watcher"]`. */
export type ContractUse = Readonly<Record<string, readonly string[]>>;

/** Reads the sources of the contract and of the examples, without their tests. */
export async function contractUse(): Promise<ContractUse> {
  const { default: ts }: Loose = await import([TYPESCRIPT].join());
  const files = await exampleFiles();
  const options = {
    ...{ target: ts.ScriptTarget.ESNext, module: ts.ModuleKind.ESNext, strict: true, noEmit: true, types: [] },
    ...{ moduleResolution: ts.ModuleResolutionKind.Bundler, allowImportingTsExtensions: true },
  };
  const host = ts.createCompilerHost(options);
  const exported = JSON.parse(await Deno.readTextFile(join(ROOT, "deno.json"))).exports;
  host.resolveModuleNameLiterals = (literals: readonly Loose[], from: string) =>
    literals.map(({ text }) => {
      const [, name] = /^@outpost\/agent(.*)$/.exec(text) ?? [];
      const own = name === undefined ? undefined : join(ROOT, exported[`.${name}`]);
      const file = text.startsWith(".") ? resolve(dirname(from), text) : own;
      return { resolvedModule: file && { resolvedFileName: file, extension: ".ts" } };
    });
  const program = ts.createProgram({ rootNames: [...CONTRACT, ...files], options, host });
  return uses(ts, program, files);
}

async function exampleFiles(directory = EXAMPLES): Promise<string[]> {
  const found: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(directory)) {
    const path = join(directory, name);
    if (isDirectory) found.push(...await exampleFiles(path));
    else if (name.endsWith(".ts") && !name.endsWith("_test.ts")) found.push(path);
  }
  return found.sort();
}

function uses(ts: Loose, program: Loose, files: readonly string[]): ContractUse {
  const found = new Map<string, Set<string>>();
  for (const statement of CONTRACT.flatMap((file) => program.getSourceFile(file).statements)) {
    if (!ts.isInterfaceDeclaration(statement)) continue;
    for (const { name } of statement.members) {
      if (name && ts.isIdentifier(name)) found.set(`${statement.name.text}.${name.text}`, new Set());
    }
  }
  for (const file of files) {
    const [example] = file.slice(EXAMPLES.length).split("/");
    const visit = (node: Loose): void => {
      if (ts.isIdentifier(node)) {
        for (const symbol of symbolsOf(ts, program.getTypeChecker(), node)) {
          for (const { parent, name } of symbol?.declarations ?? []) {
            if (name) found.get(`${parent?.name?.text}.${name.text}`)?.add(example!);
          }
        }
      }
      ts.forEachChild(node, visit);
    };
    visit(program.getSourceFile(file));
  }
  return Object.fromEntries([...found].map(([member, examples]) => [member, [...examples].sort()]));
}

/** What a name stands for; the member that is meant, where it names one of an object that is made or taken apart. */
function symbolsOf(ts: Loose, checker: Loose, node: Loose): readonly Loose[] {
  const { parent } = node;
  const symbol = checker.getSymbolAtLocation(node);
  if (ts.isObjectLiteralExpression(parent.parent) && parent.name === node) {
    const expected = checker.getContextualType(parent.parent);
    return [symbol, ...membersNamed(expected, node.text)];
  }
  if (ts.isBindingElement(parent) && (parent.propertyName ?? parent.name) === node) {
    return [symbol, ...membersNamed(checker.getTypeAtLocation(parent.parent), node.text)];
  }
  return [symbol];
}

function membersNamed(type: Loose, name: string): readonly Loose[] {
  if (type === undefined) return [];
  return (type.isUnion() ? type.types : [type]).map((each: Loose) => each.getProperty(name));
}

if (import.meta.main) console.log(JSON.stringify(await contractUse()));
