/**
 * `outpost/use-context`: a plugin reaches the process through its context.
 *
 * @module
 */
import { isTest, pathInRepository } from "./location.ts";

/** What a plugin must not touch, and what it uses instead. */
const INSTEAD: Readonly<Record<string, string>> = {
  "console": "ctx.log, which carries the plugin and the request",
  "setTimeout": "ctx.clock.sleep, which a test can move and which ends with the plugin",
  "setInterval": "ctx.tasks.every, which ends with the plugin",
  "setImmediate": "ctx.tasks.run, which has an owner",
  "Deno.env": "ctx.env or a field of the plugin's configuration",
  "Deno.serve": "ctx.routes, which authenticates and ends with the plugin",
  "Deno.Command": "ctx.exec.spawn, which builds the environment and kills the whole group",
  "Deno.exit": "a thrown error: only main ends the process",
};

/** Modules that offer the same by another name. */
const MODULES: Readonly<Record<string, string>> = {
  "node:child_process": "ctx.exec.spawn, which builds the environment and kills the whole group",
  "node:console": "ctx.log, which carries the plugin and the request",
  "node:process": "ctx.env, ctx.host or a field of the plugin's configuration",
  "node:timers": "ctx.clock and ctx.tasks, which end with the plugin",
  "node:timers/promises": "ctx.clock and ctx.tasks, which end with the plugin",
};

/** Reports uses of the process's globals inside `plugins/`; tests and `testdata/` are free. */
export const useContextRule: Deno.lint.Rule = {
  create(ctx) {
    const path = pathInRepository(ctx.filename);
    if (!path.startsWith("plugins/") || isTest(path) || path.includes("/testdata/")) return {};

    function report(node: Deno.lint.Node, name: string, instead: string | undefined): void {
      if (instead) ctx.report({ node, message: `A plugin does not use ${name}: use ${instead}` });
    }
    return {
      MemberExpression(node) {
        const name = memberName(node);
        if (node.object.type !== "Identifier" || name === undefined) return;
        if (node.object.name === "Deno") report(node, `Deno.${name}`, own(INSTEAD, `Deno.${name}`));
        if (node.object.name === "globalThis") report(node, name, own(INSTEAD, name));
        if (node.object.name === "console") report(node, "console", INSTEAD.console);
      },
      CallExpression(node) {
        if (node.callee.type === "Identifier") report(node, node.callee.name, own(INSTEAD, node.callee.name));
      },
      VariableDeclarator(node) {
        if (node.init?.type !== "Identifier" || node.init.name !== "Deno" || node.id.type !== "ObjectPattern") return;
        for (const property of node.id.properties) {
          if (property.type !== "Property" || property.key.type !== "Identifier") continue;
          report(property, `Deno.${property.key.name}`, own(INSTEAD, `Deno.${property.key.name}`));
        }
      },
      ImportDeclaration(node) {
        if (node.importKind !== "type") report(node, `"${node.source.value}"`, own(MODULES, node.source.value));
      },
    };
  },
};

function memberName(node: Deno.lint.MemberExpression): string | undefined {
  if (node.property.type === "Identifier" && !node.computed) return node.property.name;
  return node.property.type === "Literal" && typeof node.property.value === "string" ? node.property.value : undefined;
}

function own(table: Readonly<Record<string, string>>, key: string): string | undefined {
  return Object.hasOwn(table, key) ? table[key] : undefined;
}
