/**
 * `outpost/ignore-reason`: an exception to a rule of this house says why.
 *
 * @module
 */

/** Reports `deno-lint-ignore outpost/…` without `-- reason`. */
export const ignoreReasonRule: Deno.lint.Rule = {
  create(ctx) {
    return {
      Program() {
        for (const comment of ctx.sourceCode.getAllComments()) {
          if (!/^\s*deno-lint-ignore(?:-file)?\s[^]*\boutpost\//.test(comment.value)) continue;
          if (/\s--\s+\S/.test(comment.value)) continue;
          ctx.report({
            range: comment.range,
            message: "An ignored rule of this project carries its reason: // deno-lint-ignore outpost/rule -- reason",
          });
        }
      },
    };
  },
};
