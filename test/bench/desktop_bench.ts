/**
 * What the desktop costs: actions beside bare xdotool, screenshots beside bare ImageMagick, the way from an action to a changed
 * pixel at a viewer, and viewers beside a bare connection to the VNC server.
 *
 * Needs the programs that test/e2e/desktop_test.ts needs. Prints one JSON line per figure.
 *
 * @module
 */
import { openRealDesktop, type RealDesktop } from "../fixtures/real_desktop.ts";
import { openRfbClient } from "../fixtures/rfb_client.ts";

const ROUNDS = 60;
/** Full screens sent for the throughput: 8 MB each. */
const SCREENS = 20;
const VIEWERS = 40;
const VNC = "/api/v0/desktop/vnc";

if (import.meta.main) {
  await using desktop = await openRealDesktop();
  await measureActions(desktop);
  await measureScreenshots(desktop);
  await measurePixel(desktop);
  await measureThroughput(desktop);
  await measureMemory(desktop);
}

async function measureActions(desktop: RealDesktop): Promise<void> {
  const bare = await times((at) => desktop.run("xdotool", "mousemove", "--sync", String(100 + at), "300"));
  const own = await times((at) => desktop.act({ action: "mouse_move", coordinate: [200 + at, 400] }));
  print("mouse move through the API, p50", quantile(own, 0.5), "ms", quantile(bare, 0.5));
  print("mouse move through the API, p95", quantile(own, 0.95), "ms", quantile(bare, 0.95));
  const bareClick = await times(() => desktop.run("xdotool", "click", "1"));
  const ownClick = await times(() => desktop.act({ action: "left_click", coordinate: [900, 900] }));
  print("click through the API, p50", quantile(ownClick, 0.5), "ms", quantile(bareClick, 0.5));
  const text = "The quick brown fox jumps over the lazy dog. ".repeat(4);
  const bareType = await times(() => desktop.run("xdotool", "type", "--delay", "0", text), 10);
  const ownType = await times(() => desktop.act({ action: "type", text }), 10);
  print(`type ${text.length} characters, p50`, quantile(ownType, 0.5), "ms", quantile(bareType, 0.5));
}

async function measureScreenshots(desktop: RealDesktop): Promise<void> {
  const bare = await times(() => desktop.run("import", "-window", "root", "png:-"), 10);
  const full = await times(() => desktop.act({ action: "screenshot" }), 10);
  const scaled = await times(() => desktop.act({ action: "screenshot", scaled_width: 1280, scaled_height: 720 }), 10);
  print("screenshot 1920x1080, PNG, p50", quantile(full, 0.5), "ms", quantile(bare, 0.5));
  print("screenshot 1280x720, PNG, p50", quantile(scaled, 0.5), "ms", quantile(bare, 0.5));
}

/** A key that a terminal shows: through the API, the server, the terminal, the kernel, and back to a viewer. */
async function measurePixel(desktop: RealDesktop): Promise<void> {
  desktop.start("xterm", "-geometry", "80x24+300+300", "-e", "cat");
  await desktop.run("xdotool", "windowfocus", "--sync", await desktop.window("xterm"));
  const client = await openRfbClient(await desktop.agent.webSocket(VNC));
  client.ask(false);
  await client.update();
  const took = await times(async () => {
    client.ask(true);
    const seen = client.update();
    await Promise.all([desktop.act({ action: "key", text: "a" }), seen]);
  });
  client.socket.close();
  print("key to changed pixel at a viewer, p50", quantile(took, 0.5), "ms");
  print("key to changed pixel at a viewer, p95", quantile(took, 0.95), "ms");
}

async function measureThroughput(desktop: RealDesktop): Promise<void> {
  const client = await openRfbClient(await desktop.agent.webSocket(VNC));
  const begin = performance.now();
  let bytes = 0;
  for (let screen = 0; screen < SCREENS; screen++) {
    client.ask(false);
    for (const { pixels } of await client.update()) bytes += pixels.byteLength;
  }
  const own = bytes / 2 ** 20 / ((performance.now() - begin) / 1000);
  client.socket.close();
  print("raw screens through the relay", own, "MiB/s", await bareThroughput(desktop));
}

/** The same screens from the VNC server itself, through a bare proxy between two Unix sockets. */
async function bareThroughput(desktop: RealDesktop): Promise<number> {
  const server = desktop.env.XAUTHORITY!.replace("Xauthority", "vnc.sock");
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  void (async () => {
    const near = await listener.accept();
    const far = await Deno.connect({ transport: "unix", path: server });
    const pipes = [near.readable.pipeTo(far.writable), far.readable.pipeTo(near.writable)];
    await Promise.allSettled(pipes);
  })();
  const conn = await Deno.connect({ hostname: "127.0.0.1", port });
  const read = async (count: number) => {
    const buffer = new Uint8Array(count);
    for (let at = 0; at < count;) at += await conn.read(buffer.subarray(at)) ?? count;
    return buffer;
  };
  const write = (...bytes: number[]) => conn.write(Uint8Array.of(...bytes));
  await read(12);
  await conn.write(new TextEncoder().encode("RFB 003.008\n"));
  await read((await read(1))[0]!);
  await write(1);
  await read(4);
  await write(1);
  await read(new DataView((await read(24)).buffer).getUint32(20));
  await write(2, 0, 0, 1, 0, 0, 0, 0);
  const begin = performance.now();
  let bytes = 0;
  for (let screen = 0; screen < SCREENS; screen++) {
    await write(3, 0, 0, 0, 0, 0, 1920 >> 8, 1920 & 0xff, 1080 >> 8, 1080 & 0xff);
    let count = new DataView((await read(4)).buffer).getUint16(2);
    for (; count > 0; count--) {
      const place = new DataView((await read(12)).buffer);
      bytes += (await read(4 * place.getUint16(4) * place.getUint16(6))).byteLength;
    }
  }
  const rate = bytes / 2 ** 20 / ((performance.now() - begin) / 1000);
  conn.close();
  return rate;
}

async function measureMemory(desktop: RealDesktop): Promise<void> {
  const before = Deno.memoryUsage().rss;
  const clients = [];
  for (let count = 0; count < VIEWERS; count++) clients.push(await openRfbClient(await desktop.agent.webSocket(VNC)));
  const after = Deno.memoryUsage().rss;
  for (const { socket } of clients) socket.close();
  print(
    "memory per viewer that is idle, with its client in the same process",
    (after - before) / VIEWERS / 1024,
    "KiB",
  );
}

async function times(work: (at: number) => Promise<unknown>, rounds: number = ROUNDS): Promise<number[]> {
  const took: number[] = [];
  for (let at = 0; at < rounds; at++) {
    const begin = performance.now();
    await work(at);
    took.push(performance.now() - begin);
  }
  return took;
}

function quantile(values: readonly number[], at: number): number {
  return values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * at))]!;
}

function print(name: string, value: number, unit: string, floor?: number): void {
  const round = (number: number) => Math.round(number * 100) / 100;
  const compared = floor === undefined ? {} : { floor: round(floor), ratio: round(value / floor) };
  console.log(JSON.stringify({ name, value: round(value), unit, ...compared }));
}
