/**
 * Follows the screen of a terminal agent through Coder's AgentAPI, and tells when it works or waits.
 *
 * @see https://github.com/coder/agentapi
 * @module
 */
import { readEvents, type ReceivedEvent } from "../../client/event_stream.ts";
import { messageOf } from "../../core/errors.ts";
import type { Clock } from "../../core/plugin.ts";
import { Backoff } from "../../core/rpc/backoff.ts";

/** First and longest pause between two tries to connect, in milliseconds. */
const FIRST_PAUSE_MS = 1000;
const LONGEST_PAUSE_MS = 30_000;

/** What was seen: the screen moves or stands still, or the user has said something. */
export interface ScreenEvent {
  readonly state: "working" | "idle";
  /** Number of the user's message; the server repeats old ones to who connects anew. */
  readonly userMessage?: number;
}

/** What {@linkcode watchScreen} takes. */
export interface ScreenWatchOptions {
  /** Base address of the AgentAPI. */
  readonly url: URL;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of each event, one after the other. A rejection is warned of; the watch goes on. */
  readonly report: (event: ScreenEvent) => Promise<void>;
  readonly warn: (text: string) => void;
  /** Default: the global one. */
  readonly fetch?: typeof fetch;
}

/** Watches until `signal` is aborted; connects again when the events end. Never rejects. */
export async function watchScreen(options: ScreenWatchOptions): Promise<void> {
  const { url, clock, signal, warn } = options;
  const backoff = new Backoff({ floorMs: FIRST_PAUSE_MS, ceilingMs: LONGEST_PAUSE_MS });
  while (!signal.aborted) {
    try {
      await follow(options, () => backoff.reset());
      if (!signal.aborted) warn(`The screen events of ${url.href} ended; connecting again`);
    } catch (error) {
      if (!signal.aborted) warn(`Cannot watch the screen through ${url.href}: ${messageOf(error)}; trying again`);
    }
    await clock.sleep(backoff.next(), signal).catch(() => {}); // Aborted: the loop ends.
  }
}

async function follow({ url, signal, report, warn, ...options }: ScreenWatchOptions, seen: () => void): Promise<void> {
  const base = url.href.endsWith("/") ? url : new URL(`${url.href}/`);
  const response = await (options.fetch ?? fetch)(new URL("events", base), {
    headers: { accept: "text/event-stream" },
    signal,
  });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new Error(`it answered with status ${response.status}`);
  }
  for await (const received of readEvents(response.body)) {
    seen();
    const event = screenEvent(received);
    if (event === undefined) continue;
    await report(event).catch((error) => warn(`Cannot report what the screen shows: ${messageOf(error)}`));
  }
}

/** What an event means; `undefined` for those that say nothing about work. */
export function screenEvent({ event, data }: Pick<ReceivedEvent, "event" | "data">): ScreenEvent | undefined {
  if (event !== "status_change" && event !== "message_update") return undefined;
  const { status, role, id } = parsed(data);
  if (event === "status_change") return { state: status === "stable" ? "idle" : "working" };
  return role === "user" && Number.isSafeInteger(id) ? { state: "working", userMessage: id as number } : undefined;
}

function parsed(data: string): { readonly status?: unknown; readonly role?: unknown; readonly id?: unknown } {
  try {
    return JSON.parse(data) ?? {};
  } catch (error) {
    throw new Error(`an event is no JSON: ${messageOf(error)}`);
  }
}
