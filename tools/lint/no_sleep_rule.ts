/**
 * `outpost/no-sleep`: tests wait for events, not for time.
 *
 * @module
 */
import { isTest, pathInRepository } from "./location.ts";

const SLEEPS = new Set(["delay", "setTimeout", "setInterval"]);

/** Reports timers in tests. Benchmarks are tests that measure time and are left alone. */
export const noSleepRule: Deno.lint.Rule = {
  create(ctx) {
    const path = pathInRepository(ctx.filename);
    if (!isTest(path) || path.startsWith("test/bench/")) return {};
    return {
      CallExpression(node) {
        if (!isSleep(node.callee)) return;
        ctx.report({
          node,
          message: `A test does not wait for time with ${
            ctx.sourceCode.getText(node.callee)
          }(): a loaded machine breaks it`,
          hint:
            "Wait for the event, move a virtual clock, or say why time is the subject: // deno-lint-ignore outpost/no-sleep -- reason",
        });
      },
    };
  },
};

function isSleep(callee: Deno.lint.Expression): boolean {
  if (callee.type === "Identifier") return SLEEPS.has(callee.name);
  if (callee.type !== "MemberExpression" || callee.object.type !== "Identifier") return false;
  if (callee.property.type !== "Identifier") return false;
  if (callee.object.name === "globalThis") return SLEEPS.has(callee.property.name);
  return callee.object.name === "systemClock" && callee.property.name === "sleep";
}
