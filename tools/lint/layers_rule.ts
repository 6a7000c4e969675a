/**
 * `outpost/layers`: imports point inward.
 *
 * @module
 */
import { importedPath, layerProblem } from "./layers.ts";
import { pathInRepository } from "./location.ts";

/** Reports each import, export-from, `import()` and `import("…")` type that leaves its layer. */
export const layersRule: Deno.lint.Rule = {
  create(ctx) {
    const from = pathInRepository(ctx.filename);
    function check(source: Deno.lint.Node | null | undefined): void {
      if (source?.type !== "Literal" || typeof source.value !== "string") return;
      const to = importedPath(from, source.value);
      const reason = to && layerProblem(from, to);
      if (reason) ctx.report({ node: source, message: `"${from}" must not import "${to}": ${reason}` });
    }
    return {
      ImportDeclaration: (node) => check(node.source),
      ExportNamedDeclaration: (node) => check(node.source),
      ExportAllDeclaration: (node) => check(node.source),
      ImportExpression: (node) => check(node.source),
      TSImportType: (node) => check(node.argument.type === "TSLiteralType" ? node.argument.literal : node.argument),
    };
  },
};
