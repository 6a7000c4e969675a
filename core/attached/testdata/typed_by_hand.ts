/**
 * An attached plugin that knows nothing but the protocol: no import of ours. Its argument makes it misbehave:
 * `BEHAVIOUR@EDGE`, such as `exit@manifest`. A second one is its id.
 */
const [behaviour = "", edge = ""] = (Deno.args[0] ?? "").split("@");
const id = Deno.args[1] ?? "hand";
const socketPath = Deno.env.get("OUTPOST_PLUGIN_SOCKET")!;
const http = socketPath.replace(/[^/]*$/, "http.sock");
const connection = await Deno.connect({ transport: "unix", path: socketPath });
const encoder = new TextEncoder();

async function write(text: string): Promise<void> {
  let rest = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(await connection.write(rest));
}
const say = (message: Record<string, unknown>) => write(`${JSON.stringify(message)}\n`);

/** What goes wrong when `at` is the edge that was asked for. */
async function reach(at: string): Promise<void> {
  if (at !== edge) return;
  switch (behaviour) {
    case "throw":
      throw new Error(`broken at ${at}`);
    case "exit":
      return Deno.exit(3);
    case "kill":
      Deno.kill(Deno.pid, "SIGKILL");
      return;
    case "hang":
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
      return;
    case "late":
      await new Promise((resolve) => setTimeout(resolve, 200));
      return;
    case "garbage":
      return await write("\x00\xff this is no JSON\n");
    case "endless":
      return await write("x".repeat(2 * 1024 * 1024));
    case "cut":
      connection.close();
      await new Promise((resolve) => setTimeout(resolve, 3_600_000));
      return;
    case "leak":
      // A process that outlives its parent unless somebody ends it, and ignores to be asked.
      new Deno.Command("/bin/sh", { args: ["-c", "trap '' TERM HUP; while :; do sleep 60; done"], detached: true })
        .spawn().unref();
      return;
    case "flood":
      for (let i = 0; i < 5000; i++) {
        await Deno.stderr.write(encoder.encode(`flood ${i}\n`));
        // Before its hello a program has nothing to say.
        if (i % 100 === 0 && at !== "connected") await say({ type: "log", level: "info", message: `flooded ${i}` });
      }
      return;
  }
}

await reach("connected");
await say({ type: "hello", protocols: [1], token: Deno.env.get("OUTPOST_PLUGIN_TOKEN"), id, version: "1.2.3", api: 1 });
let config: Record<string, unknown> = {};

let ended = 0;

/** Never ends by itself. */
function endless(): ReadableStream<Uint8Array> {
  let piece = 0;
  return new ReadableStream({
    async pull(controller) {
      if (piece > 0) await new Promise((resolve) => setTimeout(resolve, 1));
      controller.enqueue(encoder.encode(`piece ${++piece}\n`));
    },
    cancel: () => void ended++,
  });
}

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname.endsWith("/metrics")) {
    return new Response("# HELP seen_total Seen.\n# TYPE seen_total counter\nseen_total 7\n");
  }
  if (request.headers.get("upgrade") === "websocket") {
    const { socket, response } = Deno.upgradeWebSocket(request);
    socket.onmessage = ({ data }) => socket.send(`echo ${data}`);
    return response;
  }
  if (pathname.endsWith("/refuse")) return new Response("no", { status: 403 });
  if (pathname.endsWith("/ended")) return Response.json({ ended });
  if (pathname.endsWith("/endless")) return new Response(endless());
  if (request.method === "POST") return new Response(request.body, { headers: { "x-path": pathname } });
  await reach("request");
  const seen = Deno.env.toObject();
  return Response.json({ pathname, config, headers: Object.fromEntries(request.headers), env: seen });
}

const decoder = new TextDecoder();
const buffer = new Uint8Array(65_536);
let pending = "";
while (true) {
  const count = await connection.read(buffer);
  if (count === null) Deno.exit(0);
  pending += decoder.decode(buffer.subarray(0, count), { stream: true });
  const lines = pending.split("\n");
  pending = lines.pop()!;
  for (const line of lines) {
    const message = JSON.parse(line);
    switch (message.type) {
      case "configure":
        config = message.config;
        await reach("manifest");
        Deno.serve({ path: http, onListen() {} }, answer);
        await say({ type: "manifest", http, metrics: { path: "/metrics" } });
        break;
      case "start":
        await reach("ready");
        await say({ type: "ready" });
        await reach("running");
        break;
      case "ping":
        await say({ type: "pong", id: message.id });
        break;
      case "drain":
        await reach("drained");
        await say({ type: "drained" });
        break;
      case "stop":
        await reach("stop");
        Deno.exit(0);
    }
  }
}
