/**
 * `outpost/child-environment`: children never get the agent's whole environment.
 *
 * @module
 */
import { isTest, pathInRepository } from "./location.ts";

/** The one file that reads the process's environment to build a child's. */
const BUILDER = "core/environment.ts";

/** Reports `Deno.env.toObject()` inside an `env` property in `core/` and `plugins/`. */
export const childEnvironmentRule: Deno.lint.Rule = {
  create(ctx) {
    const path = pathInRepository(ctx.filename);
    if (!/^(?:core|plugins|main\.ts)/.test(path) || path === BUILDER || isTest(path)) return {};
    return {
      CallExpression(node) {
        if (ctx.sourceCode.getText(node.callee) !== "Deno.env.toObject") return;
        if (!ctx.sourceCode.getAncestors(node).some(isEnvProperty)) return;
        ctx.report({
          node,
          message:
            "A child does not get Deno.env.toObject(), which holds the agent's tokens: build its environment in core/environment.ts (ctx.env.build() in a plugin)",
        });
      },
    };
  },
};

function isEnvProperty(node: Deno.lint.Node): boolean {
  if (node.type !== "Property") return false;
  return node.key.type === "Identifier"
    ? node.key.name === "env"
    : node.key.type === "Literal" && node.key.value === "env";
}
