/**
 * The lint rules of this project, loaded by `deno.json`: what the architecture demands and a program can check.
 *
 * @module
 */
import { childEnvironmentRule } from "./child_environment_rule.ts";
import { ignoreReasonRule } from "./ignore_reason_rule.ts";
import { importGroupsRule } from "./import_groups_rule.ts";
import { layersRule } from "./layers_rule.ts";
import { noSleepRule } from "./no_sleep_rule.ts";
import { useContextRule } from "./use_context_rule.ts";

const plugin: Deno.lint.Plugin = {
  name: "outpost",
  rules: {
    "child-environment": childEnvironmentRule,
    "ignore-reason": ignoreReasonRule,
    "import-groups": importGroupsRule,
    "layers": layersRule,
    "no-sleep": noSleepRule,
    "use-context": useContextRule,
  },
};

export default plugin;
