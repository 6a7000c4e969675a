/**
 * An X server without a screen, for tests of what shows on one.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { join } from "@std/path";
import { TextLineStream } from "@std/streams";

/** Longest wait for the server, in milliseconds. It only ends hangs. */
const HANG_MS = 60_000;
/** Words of the head of an X window dump, XWDFile.h. */
const DUMP = { headBytes: 0, width: 4, height: 5, byteOrder: 7, bitsPerPixel: 11, lineBytes: 12, colors: 19 } as const;
const COLOR_BYTES = 12;

/** What the screen shows. */
export interface Screenshot {
  readonly width: number;
  readonly height: number;
  /** Pixels of one color (`0xRRGGBB`). */
  count(color: number): number;
}

/** A running server that lets in who has the cookie. Disposing it ends it. */
export interface Xvfb extends AsyncDisposable {
  /** Environment of programs that are to show here. */
  readonly env: Readonly<Record<string, string>>;
  screenshot(): Promise<Screenshot>;
}

/** Starts a server of 640 by 480 pixels. */
export async function startXvfb(): Promise<Xvfb> {
  const directory = await Deno.makeTempDir({ prefix: "outpost-xvfb-" });
  const cookie = crypto.getRandomValues(new Uint8Array(16)).toHex();
  const [server, client] = [join(directory, "server"), join(directory, "client")];
  await xauth(server, ":0", cookie);
  const child = new Deno.Command("Xvfb", {
    args: ["-displayfd", "1", "-screen", "0", "640x480x24", "-nolisten", "tcp", "-noreset", "-auth", server],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  async function end(): Promise<void> {
    try {
      child.kill("SIGTERM");
    } catch {
      // It ended by itself.
    }
    await child.status;
    await Deno.remove(directory, { recursive: true });
  }
  try {
    const lines = child.stdout.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream()).getReader();
    const { value } = await deadline(lines.read(), HANG_MS);
    await lines.cancel();
    if (!/^\d+$/.test(value ?? "")) throw new Error(`Cannot start Xvfb: it says ${JSON.stringify(value)}`);
    const display = `:${value}`;
    await xauth(client, display, cookie);
    const env = { DISPLAY: display, XAUTHORITY: client };
    return {
      env,
      screenshot: async () => {
        const { success, stdout, stderr } = await new Deno.Command("xwd", { args: ["-root", "-silent"], env }).output();
        if (!success) throw new Error(`Cannot see the screen: ${new TextDecoder().decode(stderr)}`);
        return readDump(stdout);
      },
      [Symbol.asyncDispose]: end,
    };
  } catch (error) {
    await end();
    throw error;
  }
}

async function xauth(file: string, display: string, cookie: string): Promise<void> {
  await Deno.writeTextFile(file, "", { mode: 0o600 });
  const { code, stderr } = await new Deno.Command("xauth", {
    args: ["-q", "-f", file, "add", display, "MIT-MAGIC-COOKIE-1", cookie],
  }).output();
  if (code !== 0) throw new Error(`Cannot write a cookie: ${new TextDecoder().decode(stderr)}`);
}

/** Reads what xwd(1) writes of a screen with 32 bits per pixel. */
function readDump(dump: Uint8Array): Screenshot {
  const view = new DataView(dump.buffer, dump.byteOffset);
  const word = (index: number) => view.getUint32(4 * index);
  const [width, height, isLittle] = [word(DUMP.width), word(DUMP.height), word(DUMP.byteOrder) === 0];
  if (word(DUMP.bitsPerPixel) !== 32) throw new RangeError(`Cannot read ${word(DUMP.bitsPerPixel)} bits per pixel`);
  const from = word(DUMP.headBytes) + COLOR_BYTES * word(DUMP.colors);
  return {
    width,
    height,
    count(color) {
      let found = 0;
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const pixel = view.getUint32(from + y * word(DUMP.lineBytes) + 4 * x, isLittle);
          if ((pixel & 0xffffff) === color) found++;
        }
      }
      return found;
    },
  };
}
