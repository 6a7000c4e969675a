/**
 * A JSR registry on loopback: takes what `deno publish` sends, and serves it as jsr.io would. Deno asks the registry that `JSR_URL` names.
 *
 * @module
 */
import { join } from "@std/path";

import { ROOT } from "./agent_process.ts";

/** A package version: its files by path, such as `/mod.ts`. */
interface Published {
  readonly files: ReadonlyMap<string, Uint8Array<ArrayBuffer>>;
  readonly exports: unknown;
}

/** The registry of one test. */
export interface LoopbackRegistry extends AsyncDisposable {
  /** For `JSR_URL`. */
  readonly url: string;
  /** Publishes the package in this repository as a release would. @throws {Error} With what `deno publish` says. */
  publish(): Promise<void>;
}

/** Starts an empty registry. */
export function startRegistry(): LoopbackRegistry {
  const versions = new Map<string, Published>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/api/")) return serveFile(pathname, versions);
    const [, name, version] = /^\/api\/scopes\/(.+?)(?:\/versions\/([^/]+))?$/.exec(pathname) ?? [];
    if (request.method === "GET" && version === undefined) return Response.json({ latestVersion: null });
    if (request.method !== "POST") {
      return Response.json({ code: "packageVersionNotFound", message: "" }, { status: 404 });
    }
    const published = await unpack(request.body!);
    versions.set(`/@${name!.replace("/packages/", "/")}/${version}`, published);
    return Response.json({ id: "1", status: "success", error: null });
  });
  const url = `http://127.0.0.1:${server.addr.port}/`;
  return {
    url,
    async publish() {
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["publish", "--token", "loopback", "--allow-dirty", "--no-check", "--no-provenance"],
        cwd: ROOT,
        env: { JSR_URL: url, NO_COLOR: "1", DENO_NO_UPDATE_CHECK: "1" },
        stdin: "null",
        stdout: "null",
      }).output();
      if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    },
    [Symbol.asyncDispose]: () => server.shutdown(),
  };
}

async function unpack(archive: ReadableStream<Uint8Array<ArrayBuffer>>): Promise<Published> {
  const dir = await Deno.makeTempDir({ prefix: "outpost-registry-" });
  try {
    await Deno.writeFile(join(dir, "package.tgz"), archive);
    await Deno.mkdir(join(dir, "package"));
    const { code, stderr } = await new Deno.Command("tar", {
      args: ["-xzf", "package.tgz", "-C", "package"],
      cwd: dir,
    }).output();
    if (code !== 0) throw new Error(new TextDecoder().decode(stderr));
    const files = new Map(await filesBelow(join(dir, "package")));
    return { files, exports: JSON.parse(new TextDecoder().decode(files.get("/deno.json"))).exports };
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

async function filesBelow(root: string, path = ""): Promise<[string, Uint8Array<ArrayBuffer>][]> {
  const found: [string, Uint8Array<ArrayBuffer>][] = [];
  for await (const { name, isDirectory } of Deno.readDir(root + path)) {
    if (isDirectory) found.push(...await filesBelow(root, `${path}/${name}`));
    else found.push([`${path}/${name}`, await Deno.readFile(`${root}${path}/${name}`)]);
  }
  return found;
}

/** `/@scope/name/meta.json`, `/@scope/name/1.0.0_meta.json`, and the files of each version. */
async function serveFile(path: string, versions: ReadonlyMap<string, Published>): Promise<Response> {
  for (const [base, { files, exports }] of versions) {
    const [, scope, name, version = ""] = base.split("/").map((part) => part.replace("@", ""));
    if (path === `${base.slice(0, -version.length)}meta.json`) {
      return Response.json({ scope, name, latest: version, versions: { [version]: {} } });
    }
    if (path === `${base}_meta.json`) return Response.json({ manifest: await manifestOf(files), exports });
    const file = path.startsWith(`${base}/`) ? files.get(decodeURI(path.slice(base.length))) : undefined;
    if (file !== undefined) return new Response(file, { headers: { "content-type": typeOf(path) } });
  }
  return new Response(null, { status: 404 });
}

async function manifestOf(files: Published["files"]): Promise<Record<string, unknown>> {
  const entries = [...files].map(async ([path, bytes]) => {
    const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
    return [path, { size: bytes.length, checksum: `sha256-${digest.toHex()}` }];
  });
  return Object.fromEntries(await Promise.all(entries));
}

function typeOf(path: string): string {
  return path.endsWith(".json") ? "application/json" : path.endsWith(".js") ? "text/javascript" : "text/typescript";
}
