/**
 * `outpost/import-groups`: the head of a file reads from far to near.
 *
 * @module
 */

const GROUPS = ["platform and @std", "third party", "ours"] as const;

/** Reports imports out of order and groups without one blank line between them; repairs both. */
export const importGroupsRule: Deno.lint.Rule = {
  create(ctx) {
    return {
      Program(program) {
        const imports = leadingImports(program);
        const [first, last] = [imports.at(0), imports.at(-1)];
        if (!first || !last) return;

        const gaps = imports.slice(1).map((node, i) => ctx.sourceCode.text.slice(imports[i]!.range[1], node.range[0]));
        const fault = imports.slice(1).find((node, i) => !fits(groupOf(imports[i]!), groupOf(node), gaps[i]!));
        if (!fault) return;

        const message = `Imports stand in groups with one blank line between them: ${GROUPS.join(", ")}`;
        // A comment between imports belongs to one of them; moving it would be guessing.
        if (gaps.some((gap) => gap.trim() !== "") || pinnedByComment(ctx.sourceCode.text.slice(0, first.range[0]))) {
          ctx.report({ node: fault, message });
          return;
        }
        const sorted = GROUPS.map((_, group) =>
          imports.filter((node) => groupOf(node) === group).map((node) => ctx.sourceCode.getText(node)).join("\n")
        );
        ctx.report({
          node: fault,
          message,
          fix: (fixer) =>
            fixer.replaceTextRange([first.range[0], last.range[1]], sorted.filter((text) => text !== "").join("\n\n")),
        });
      },
    };
  },
};

/** Imports from the first one on, up to the first statement that is none. */
function leadingImports(program: Deno.lint.Program): Deno.lint.ImportDeclaration[] {
  const imports: Deno.lint.ImportDeclaration[] = [];
  for (const statement of program.body) {
    if (statement.type === "ImportDeclaration") imports.push(statement);
    else if (imports.length > 0) break;
  }
  return imports;
}

function groupOf(node: Deno.lint.ImportDeclaration): number {
  const specifier = node.source.value;
  if (/^(?:node:|@std\/|jsr:@std\/)/.test(specifier)) return 0;
  return /^(?:\.{1,2}\/|\/|file:|@outpost\/)/.test(specifier) ? 2 : 1;
}

function fits(before: number, after: number, gap: string): boolean {
  const blank = /\n[^\S\n]*\n/.test(gap);
  const isComment = gap.trim() !== "";
  return before === after ? isComment || !blank : before < after && blank;
}

/** Whether the text above the first import ends in a directive that belongs to that import. */
function pinnedByComment(above: string): boolean {
  return /(?:deno-lint-ignore|@ts-)[^\n]*\n[^\S\n]*$/.test(above);
}
