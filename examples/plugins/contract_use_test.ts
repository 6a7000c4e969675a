/** Every part of the plugin contract is shown by an example, and the table of the README says by which. */
import { deepStrictEqual, strictEqual } from "node:assert/strict";

import type { ContractUse } from "../../tools/contract_use.ts";

/** Members that no example uses, and why. */
const NOT_SHOWN: Readonly<Record<string, readonly string[]>> = {
  "made by definePlugin(), defineService() and optional()": [
    ...["Plugin.id", "Plugin.version", "Plugin.api"],
    ...["ServiceToken.kind", "ServiceToken.id", "OptionalNeed.kind", "OptionalNeed.token"],
  ],
  "handed over as they stand in the settings": [
    ...["ResourceLimits.memoryBytes", "ResourceLimits.cpus", "ResourceLimits.openFiles"],
    ...["PtySize.cols", "PtySize.rows"],
  ],
  "for the plugin that knows the control plane, and for programs that prove themselves as the agent": [
    ...["PluginContext.renewal", "Renewal.carried", "Renewal.request", "Exec.suggestDirectory", "Rpc.token"],
    ...["HostFacts.commandLine", "Env.scriptBinDirectory"],
    ...["CommandSpec.claims", "CommandLine.args", "CommandLine.env"],
  ],
  "for plugins that run commands or show metrics for others": [
    ...["EnvironmentLayers.overrides", "Child.pipes", "Metrics.agentText", "GatheredMetric.labels"],
  ],
  "more to know, where one needs it": [
    ...["LimitEnforcement.cpu", "LimitEnforcement.openFiles", "KilledTree.found", "KilledTree.ended"],
    ...["StartSpec.details", "StartFlag.bare", "StartFlag.mayBeEmpty", "StartGiven.env", "StartGiven.plugins"],
    "LocalAgent.socketPath",
  ],
};

async function contractUse(): Promise<ContractUse> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    // Without the lock file: the compiler that reads the sources is no part of what is locked.
    args: ["run", "-A", "--quiet", "--no-lock", new URL("../../tools/contract_use.ts", import.meta.url).pathname],
    stdin: "null",
  }).output();
  strictEqual(code, 0, new TextDecoder().decode(stderr));
  return JSON.parse(new TextDecoder().decode(stdout));
}

Deno.test("the examples show every part of the contract, where their README says", async () => {
  const use = await contractUse();
  const readme = await Deno.readTextFile(new URL("README.md", import.meta.url));

  const unused = Object.keys(use).filter((member) => use[member]!.length === 0);
  deepStrictEqual(unused.sort(), Object.values(NOT_SHOWN).flat().sort());

  const [, head = ""] = /^\| Interface +\|(.*)\|$/m.exec(readme) ?? [];
  const examples = head.split("|").map((name) => name.trim());
  deepStrictEqual(examples, ["port-preview", "test-watcher", "audit-trail"]);
  const rows = [...readme.slice(readme.indexOf("| Interface")).matchAll(/^\| (\w+) +\|(.*)\|$/gm)].slice(1);
  const table = rows.map(([, name, cells = ""]) => [name, ...cells.split("|").map((cell) => cell.trim())]);
  const expected = table.map(([name]) => [
    name,
    ...examples.map((example) =>
      Object.keys(use).filter((member) => member.startsWith(`${name}.`) && use[member]!.includes(example))
        .map((member) => `\`${member.split(".")[1]}\``).join(" ")
    ),
  ]);
  deepStrictEqual(table, expected);
  const shown = new Set(table.map(([name]) => name));
  const parts = ["Routes", "Metrics", "Hooks", "Env", "Exec", "Socket", "Rpc", "Health", "Tasks"];
  deepStrictEqual(parts.filter((part) => !shown.has(part)), []);
});
