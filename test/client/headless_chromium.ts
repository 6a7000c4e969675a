/**
 * A headless Chromium, spoken to over the DevTools protocol.
 *
 * @module
 */
import { TextLineStream } from "@std/streams";

const FLAGS = [
  ...["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
  ...["--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage"],
  "--remote-debugging-port=0",
];

/** A page of a browser that ends with it. */
export interface ChromiumPage extends AsyncDisposable {
  /** Resolves when the page has loaded. */
  open(url: string): Promise<void>;
  /** Resolves to the value of an expression, which may be a promise of JSON. */
  evaluate(expression: string): Promise<unknown>;
  /** Moves the mouse to a place in the page, or presses or releases its left button there. */
  mouse(type: "mouseMoved" | "mousePressed" | "mouseReleased", x: number, y: number): Promise<void>;
  /** Resolves to a picture of the page, PNG in base64. */
  screenshot(): Promise<string>;
}

const LOADED =
  `new Promise((resolve) => document.readyState === "complete" ? resolve() : addEventListener("load", () => resolve()))`;

interface Answer {
  readonly id?: number;
  readonly result?: Record<string, unknown>;
  readonly error?: { readonly message: string };
}

/** Starts Chromium with a profile of its own. */
export async function openChromium(): Promise<ChromiumPage> {
  const profile = await Deno.makeTempDir({ prefix: "outpost-chromium-" });
  const child = new Deno.Command("chromium", {
    args: [...FLAGS, `--user-data-dir=${profile}`, "about:blank"],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const lines = child.stderr.pipeThrough(new TextDecoderStream()).pipeThrough(new TextLineStream());
  const address = Promise.withResolvers<string>();
  const reading = (async () => {
    for await (const line of lines) {
      const [, url] = /^DevTools listening on (\S+)/.exec(line) ?? [];
      if (url !== undefined) address.resolve(url);
    }
    address.reject(new Error("Chromium ended before it listened"));
  })();
  const socket = new WebSocket(await address.promise);
  await new Promise((resolve, reject) => {
    socket.onopen = resolve;
    socket.onerror = reject;
  });
  const closed = new Promise((resolve) => socket.onclose = resolve);

  let lastId = 0;
  const waiting = new Map<number, (answer: Answer) => void>();
  socket.onmessage = ({ data }) => {
    const answer: Answer = JSON.parse(data);
    if (answer.id !== undefined) waiting.get(answer.id)?.(answer);
  };
  async function send(method: string, params: unknown = {}, sessionId?: string): Promise<Record<string, unknown>> {
    const id = ++lastId;
    const answered = new Promise<Answer>((resolve) => waiting.set(id, resolve));
    socket.send(JSON.stringify({ id, method, params, sessionId }));
    const { result, error } = await answered;
    waiting.delete(id);
    if (error) throw new Error(`${method}: ${error.message}`);
    return result ?? {};
  }

  const { targetId } = await send("Target.createTarget", { url: "about:blank" });
  const { sessionId } = await send("Target.attachToTarget", { targetId, flatten: true });
  const session = sessionId as string;
  await send("Page.enable", {}, session);
  let isDown = false;
  const page: ChromiumPage = {
    async open(url) {
      await send("Page.navigate", { url }, session); // Answered when the page is there, which may still be loading.
      await page.evaluate(LOADED);
    },
    async evaluate(expression) {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await send("Runtime.evaluate", options, session) as {
        readonly result: { readonly value: unknown };
        readonly exceptionDetails?: { readonly exception?: { readonly description?: string } };
      };
      if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? "the page threw");
      return result.value;
    },
    async mouse(type, x, y) {
      const button = type === "mouseMoved" ? "none" : "left";
      const held = {
        button,
        buttons: isDown || type === "mousePressed" ? 1 : 0,
        clickCount: button === "left" ? 1 : 0,
      };
      if (type !== "mouseMoved") isDown = type === "mousePressed";
      await send("Input.dispatchMouseEvent", { type, x, y, ...held }, session);
    },
    async screenshot() {
      const { data } = await send("Page.captureScreenshot", { format: "png" }, session);
      return String(data);
    },
    async [Symbol.asyncDispose]() {
      socket.send(JSON.stringify({ id: ++lastId, method: "Browser.close" }));
      await closed;
      await child.status;
      await reading;
      await Deno.remove(profile, { recursive: true });
    },
  };
  return page;
}
