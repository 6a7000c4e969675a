import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { RecordedIo } from "./recorded_io.ts";
import { run } from "./run.ts";

const PLUGIN = `export default {
  ...{ id: "acme", version: "1.0.0", api: 1, summary: "Does acme things.", stability: "stable", setup() {} },
  commands: [{ name: "greet", summary: "Greets.", load: async () => async ({ args, out }) => {
    await out("good day, " + args.join(" ") + "\\n");
    return 7;
  } }],
  checks: [{ name: "mood", summary: "", load: async () => async () => ({ status: "ok", found: "cheerful" }) }],
};
`;

async function inDirectory(use: (config: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir({ prefix: "outpost-imported-" });
  try {
    await Deno.writeTextFile(join(dir, "acme.js"), PLUGIN);
    const config = join(dir, "agent.jsonc");
    await Deno.writeTextFile(config, `{ "plugins": { "acme": { "from": "./acme.js" } } }`);
    await use(config);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function outpost(args: string[], env: Record<string, string> = {}) {
  const io = new RecordedIo({ env: { XDG_RUNTIME_DIR: "/missing", ...env } });
  const code = await run(args, io, {
    build: { name: "outpost", version: "1.0.0" },
    plugins: [],
    invocation: "outpost",
  });
  return { code, out: io.output, err: io.errors };
}

Deno.test("commands and checks of plugins that OUTPOST_CONFIG imports are there", () =>
  inDirectory(async (config) => {
    const [here, help] = [["greet", "Ada"], ["help", "greet"]];

    const greeted = await outpost(here, { OUTPOST_CONFIG: config });
    const helped = await outpost(help, { OUTPOST_CONFIG: config });
    const doctor = await outpost(["doctor", "--config", config]);

    assertEquals([greeted.code, greeted.out], [7, "good day, Ada\n"]);
    assertStringIncludes(helped.out, 'This command comes from the plugin "acme"');
    assertStringIncludes(doctor.out.replaceAll(/ +/g, " "), "ok acme: mood cheerful");
  }));

Deno.test("a command that nobody has is unknown with and without OUTPOST_CONFIG, and a file that is missing is named", () =>
  inDirectory(async (config) => {
    const without = await outpost(["greet"]);
    const misspelt = await outpost(["gret"], { OUTPOST_CONFIG: config });
    await Deno.remove(join(config, "../acme.js"));
    const missing = await outpost(["greet"], { OUTPOST_CONFIG: config });

    assertEquals([without.code, misspelt.code, missing.code], [2, 2, 2]);
    assertStringIncludes(without.err, 'Unknown command "greet"');
    assertStringIncludes(misspelt.err, 'did you mean "greet"?');
    assertStringIncludes(missing.err, "acme.js");
  }));
