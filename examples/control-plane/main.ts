/**
 * The reference control plane. Start it with: `deno run -A examples/control-plane/main.ts`
 *
 * @module
 */
import { parseArgs } from "@std/cli/parse-args";
import { dirname, fromFileUrl, join } from "@std/path";

import { ConfigError, messageOf } from "../../core/errors.ts";
import { randomToken, writeTokenFile } from "../../core/http/token.ts";
import { openTextSink } from "../../core/log.ts";
import { readAgentsFile } from "./agents_file.ts";
import { anthropicModel } from "./chats/anthropic_model.ts";
import type { Model } from "./chats/model.ts";
import { type ControlPlane, startControlPlane } from "./control_plane.ts";

/** Where to listen when nobody says. */
const DEFAULT_LISTEN = "127.0.0.1:0";
/** Model of chats when nobody says. */
const DEFAULT_MODEL = "claude-opus-4-6";

const USAGE = `Usage: deno run -A examples/control-plane/main.ts [options]

  --agents FILE      which agents there are (default: agents.jsonc beside the program)
  --database FILE    where to keep what they report (default: in memory)
  --listen HOST:PORT where to listen; port 0 takes a free one (default: 127.0.0.1:0)
  --host NAME        further name to answer to; may be repeated
  --token-file FILE  the admin token: read when the file is there, written otherwise (default: a new file)
  --model NAME       model of chats; may be repeated, the first is the default (default: ${DEFAULT_MODEL})
  --format FORMAT    text or json, for the listening line and the log (default: text)
  --help             show this

Environment:
  ANTHROPIC_API_KEY  key of the Messages API; without it chats have no model
  ANTHROPIC_BASE_URL where that API is, or something that speaks like it (default: Anthropic's own)
`;

class UsageError extends Error {
  override readonly name = "UsageError";
}

interface Settings {
  readonly agents: string;
  readonly database?: string;
  readonly hostname: string;
  readonly port: number;
  readonly hosts: readonly string[];
  readonly tokenFile?: string;
  readonly models: readonly Model[];
  readonly format: "text" | "json";
}

if (import.meta.main) Deno.exit(await main(Deno.args));

/** Runs until a signal. Returns the exit code: 2 for mistakes in flags or files. */
async function main(args: readonly string[]): Promise<number> {
  try {
    const settings = readSettings(args);
    if (settings === undefined) {
      console.log(USAGE);
      return 0;
    }
    await serve(settings);
    return 0;
  } catch (error) {
    console.error(messageOf(error));
    return error instanceof ConfigError || error instanceof UsageError ? 2 : 1;
  }
}

async function serve(settings: Settings): Promise<void> {
  const agents = await readAgentsFile(settings.agents);
  await using tokenFile = await openTokenFile(settings.tokenFile);
  const isJson = settings.format === "json" || !Deno.stderr.isTerminal();
  const logSink = await openTextSink(isJson ? "json" : "pretty", Deno.stderr);
  await using controlPlane = startControlPlane({ ...settings, agents, logSink, token: tokenFile.token });
  const asked = untilAsked();
  await announce(controlPlane, tokenFile.path, settings);
  await asked;
}

interface AdminToken extends AsyncDisposable {
  readonly token: string;
  readonly path: string;
}

/** A file that is named and filled is the token, and stays; otherwise a new token is written and removed at the end. */
async function openTokenFile(named: string | undefined): Promise<AdminToken> {
  if (named !== undefined) {
    const stored = await readIfThere(named);
    if (stored !== "") return { token: stored, path: named, async [Symbol.asyncDispose]() {} };
  }
  const token = randomToken();
  const made = named === undefined ? await Deno.makeTempDir({ prefix: "control-plane-" }) : undefined;
  const file = await writeTokenFile(named ?? join(made!, "token"), token);
  return {
    token,
    path: file.path,
    async [Symbol.asyncDispose]() {
      await file.remove();
      if (made !== undefined) await Deno.remove(made);
    },
  };
}

async function readIfThere(path: string): Promise<string> {
  try {
    return (await Deno.readTextFile(path)).trim();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return "";
    throw error;
  }
}

async function announce(controlPlane: ControlPlane, tokenFile: string, settings: Settings): Promise<void> {
  const { address: http } = controlPlane;
  const link = await controlPlane.createLink();
  console.log(
    settings.format === "json"
      ? JSON.stringify({
        event: "listening",
        http,
        token_file: tokenFile,
        agents_file: settings.agents,
        link,
        pid: Deno.pid,
      })
      : `Control plane listens: ${http}; admin token in ${tokenFile}; in a browser: ${link}`,
  );
}

function untilAsked(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ["SIGINT", "SIGTERM"] as const) {
      const stop = () => {
        // The next one ends the process at once.
        Deno.removeSignalListener(signal, stop);
        resolve();
      };
      Deno.addSignalListener(signal, stop);
    }
  });
}

/** `undefined` when only the usage was asked for. */
function readSettings(args: readonly string[]): Settings | undefined {
  const flags = parseArgs([...args], {
    string: ["agents", "database", "listen", "host", "token-file", "model", "format"],
    boolean: ["help"],
    collect: ["host", "model"],
    unknown: (flag: string) => {
      throw new UsageError(`Unknown argument "${flag}"\n\n${USAGE}`);
    },
  });
  if (flags.help) return undefined;
  const text = (name: string): string | undefined => flags[name] === undefined ? undefined : String(flags[name]);
  const format = text("format") ?? "text";
  if (format !== "text" && format !== "json") throw new UsageError(`--format is "${format}": expected text or json`);
  return {
    agents: text("agents") ?? join(dirname(fromFileUrl(import.meta.url)), "agents.jsonc"),
    database: text("database"),
    ...readAddress(text("listen") ?? DEFAULT_LISTEN),
    hosts: (flags.host as readonly string[]).map(String),
    tokenFile: text("token-file"),
    models: readModels((flags.model as readonly string[]).map(String)),
    format,
  };
}

/** None without a key: chats can be looked at then. */
function readModels(named: readonly string[]): readonly Model[] {
  const apiKey = Deno.env.get("ANTHROPIC_API_KEY") ?? "";
  const baseUrl = Deno.env.get("ANTHROPIC_BASE_URL") || undefined;
  if (apiKey === "" && named.length > 0) throw new UsageError("--model needs a key in ANTHROPIC_API_KEY");
  if (apiKey === "") return [];
  if (baseUrl !== undefined && !URL.canParse(baseUrl)) {
    throw new UsageError(`ANTHROPIC_BASE_URL is "${baseUrl}": expected a URL such as http://127.0.0.1:8080`);
  }
  return (named.length > 0 ? named : [DEFAULT_MODEL]).map((model) => anthropicModel({ model, apiKey, baseUrl }));
}

function readAddress(text: string): { readonly hostname: string; readonly port: number } {
  const [, host = "", port = ""] = /^(.+):(\d{1,5})$/.exec(text) ?? [];
  if (host === "" || Number(port) > 65_535) {
    throw new UsageError(`--listen is "${text}": expected HOST:PORT, such as ${DEFAULT_LISTEN}`);
  }
  return { hostname: host.replace(/^\[|\]$/g, ""), port: Number(port) };
}
