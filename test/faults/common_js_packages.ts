/**
 * Uses a CommonJS package after it could not be evaluated: `common_js_packages.ts NAME SPECIFIER FILE`, where FILE imports
 * `no_descriptors.ts` and after it SPECIFIER. Prints how that failed, how importing SPECIFIER fails once there are descriptors
 * again, and what came of using the package as the agent does.
 *
 * @module
 */
import { toFileUrl } from "@std/path";

import { lookUpParserStack } from "../../core/cli/parser_stack.ts";
import { loadPty } from "../../core/exec/pty.ts";
import { messageOf } from "../../core/errors.ts";
import { loadPromClient } from "../../core/metrics/prom_client.ts";
import { loadWebSocket } from "../../core/rpc/ws_library.ts";
import { loadSsh2 } from "../../plugins/ssh/transport/ssh2_library.ts";
import { ScreenMirror } from "../../plugins/terminals/screen_mirror.ts";

const SIZE = { cols: 80, rows: 24 };

/** What is done with each package. */
const USES: Readonly<Record<string, () => Promise<unknown>>> = {
  "prom-client": async () => await new (await loadPromClient()).Registry().metrics(),
  "@lydell/node-pty": exitOnPty,
  "@xterm/headless": screen,
  "@xterm/addon-serialize": screen,
  ssh2: async () => typeof (await loadSsh2()).Server,
  ws: async () => (await loadWebSocket()).OPEN,
};

async function exitOnPty(): Promise<number | null> {
  const startOnPty = await loadPty();
  const child = startOnPty({ program: "/bin/sh", args: ["-c", "exit 9"], cwd: "/", env: {}, size: SIZE });
  await child.output.pipeTo(new WritableStream());
  return (await child.exited).code;
}

async function screen(): Promise<string> {
  using mirror = await ScreenMirror.open(SIZE, 0);
  await mirror.write(new TextEncoder().encode("hello"));
  return mirror.draw();
}

/** Why this cannot be imported. Never a literal: the types of some packages change those of the runtime for everybody. */
async function failure(specifier: string): Promise<string> {
  try {
    await import(specifier);
    return "none";
  } catch (error) {
    return messageOf(error);
  }
}

const [name, specifier, file] = Deno.args;
await lookUpParserStack();
const evaluated = await failure(toFileUrl(file!).href);
(await import("./no_descriptors.ts")).giveBack();
console.log(JSON.stringify({ evaluated, imported: await failure(specifier!), used: await USES[name!]!() }));
