/**
 * Models of Anthropic's Messages API, and of what speaks like it.
 *
 * @module
 * @see https://docs.anthropic.com/en/api/messages
 */
import type { Clock } from "../../../core/plugin.ts";
import { messageOf } from "../../../core/errors.ts";
import { elapsedOn, systemClock } from "../../../core/clock.ts";
import { ApiRefusal, refusalOf } from "./api_refusal.ts";
import { readMessage } from "./message_stream.ts";
import { type JsonObject, type Model, ModelError, type ModelReply, type ModelRequest } from "./model.ts";

/** Where the API is when nobody says otherwise. */
const DEFAULT_BASE_URL = "https://api.anthropic.com";
/** Version of the API that is spoken. */
const API_VERSION = "2023-06-01";
/** Longest answer, in tokens: room for a long file, and within what every current model allows. */
const DEFAULT_MAX_TOKENS = 16_384;
/** Attempts at one answer. With the pauses below, the last comes about a minute after the first. */
const MAX_ATTEMPTS = 6;
/** Pause before the second attempt, and the longest one, in milliseconds; each is twice the one before. */
const PAUSE_MS = { first: 1_000, longest: 30_000 };
/** Longest pause that the API may ask for, in milliseconds; a longer one is reported instead of waited for. */
const MAX_RETRY_AFTER_MS = 120_000;
/** A stream that says nothing for so long is given up, in milliseconds: the API pings every few seconds. */
const SILENCE_MS = 120_000;

/** Features that have to be asked for when a tool of this type is offered. */
const BETAS_OF_TOOLS: Readonly<Record<string, string>> = { computer_20251124: "computer-use-2025-11-24" };

/** What {@linkcode anthropicModel} takes. */
export interface AnthropicOptions {
  /** Name of the model, such as `claude-opus-4-6`. */
  readonly model: string;
  readonly apiKey: string;
  /** Default: Anthropic's own. A path in front of `/v1/messages` is kept. */
  readonly baseUrl?: string;
  /** Longest answer, in tokens. Default 16,384. */
  readonly maxTokens?: number;
  /** Features of the API to ask for, beside those that the tools of a chat need. */
  readonly betas?: readonly string[];
  /** Default: the system's. */
  readonly clock?: Clock;
  /** From 0 to 1; spreads the pauses of many chats. Default: random. */
  readonly jitter?: () => number;
}

/**
 * Makes a model. Its answers are streamed, so that no proxy cuts a long one; overload, limits and lost connections are met by
 * waiting, as long as the API asks for, and trying again.
 *
 * @throws {TypeError} When the base URL is none.
 */
export function anthropicModel(options: AnthropicOptions): Model {
  const { baseUrl = DEFAULT_BASE_URL, clock = systemClock, jitter = Math.random } = options;
  const url = new URL(`${baseUrl.replace(/\/+$/, "")}/v1/messages`);
  return {
    ...{ name: options.model, usesDesktop: true },
    async reply(request, signal) {
      for (let attempt = 1;; attempt++) {
        try {
          return await ask(url, request, options, signal);
        } catch (error) {
          signal.throwIfAborted();
          const waitMs = pauseAfter(error, attempt, jitter);
          if (waitMs === undefined) throw new ModelError(wordsOf(error, options.model), { cause: error });
          await clock.sleep(waitMs, signal);
        }
      }
    },
  };
}

async function ask(
  url: URL,
  request: ModelRequest,
  { model, apiKey, maxTokens = DEFAULT_MAX_TOKENS, betas = [], clock = systemClock }: AnthropicOptions,
  signal: AbortSignal,
): Promise<ModelReply> {
  const features = betasOf(request, betas);
  const silent = new AbortController();
  using watch = new SilenceWatch(clock, () => silent.abort(new Error(`no answer for ${SILENCE_MS / 1000} s`)));
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      "x-api-key": apiKey,
      "anthropic-version": API_VERSION,
      ...(features.length > 0 && { "anthropic-beta": features.join(",") }),
    },
    body: JSON.stringify({ model, max_tokens: maxTokens, stream: true, ...bodyOf(request) }),
    signal: AbortSignal.any([signal, silent.signal]),
  });
  if (!response.ok) throw await refusalOf(response);
  return await readMessage(response.body!, () => watch.heard());
}

function betasOf({ tools }: ModelRequest, betas: readonly string[]): readonly string[] {
  const needed = tools.flatMap((tool) => "type" in tool ? BETAS_OF_TOOLS[String(tool.type)] ?? [] : []);
  return [...new Set([...betas, ...needed])];
}

/**
 * The request without its settings. What stays the same from answer to answer is marked, so that the API need not read the
 * whole conversation anew each time.
 */
function bodyOf({ system, messages, tools }: ModelRequest): JsonObject {
  const marked = messages.map(({ role, content }, index) => ({
    role,
    content: index < messages.length - 1
      ? content
      : content.map((block, at) => at < content.length - 1 ? block : { ...block, cache_control: CACHED }),
  }));
  return {
    ...(system !== "" && { system: [{ type: "text", text: system, cache_control: CACHED }] }),
    messages: marked,
    ...(tools.length > 0 && { tools }),
  };
}

const CACHED = { type: "ephemeral" } as const;

/** Milliseconds until the next attempt; `undefined` when none would help. */
function pauseAfter(error: unknown, attempt: number, jitter: () => number): number | undefined {
  if (attempt >= MAX_ATTEMPTS) return undefined;
  if (error instanceof ApiRefusal) {
    if (!error.isPassing) return undefined;
    if (error.retryAfterMs !== undefined) {
      return error.retryAfterMs <= MAX_RETRY_AFTER_MS ? error.retryAfterMs : undefined;
    }
  }
  const pause = Math.min(PAUSE_MS.first * 2 ** (attempt - 1), PAUSE_MS.longest);
  return pause * (0.75 + 0.25 * jitter());
}

function wordsOf(error: unknown, model: string): string {
  if (error instanceof ApiRefusal) return `The model "${model}" cannot answer: ${error.message}`;
  return `The model "${model}" cannot be reached: ${messageOf(error)}`;
}

/** Calls back when nothing was heard for {@linkcode SILENCE_MS}. */
class SilenceWatch implements Disposable {
  readonly #over = new AbortController();
  readonly #clock: Clock;
  #heardAt: number;

  constructor(clock: Clock, silent: () => void) {
    this.#clock = clock;
    this.#heardAt = elapsedOn(clock);
    void this.#run(silent);
  }

  heard(): void {
    this.#heardAt = elapsedOn(this.#clock);
  }

  [Symbol.dispose](): void {
    this.#over.abort();
  }

  async #run(silent: () => void): Promise<void> {
    try {
      for (let left = SILENCE_MS; left > 0; left = this.#heardAt + SILENCE_MS - elapsedOn(this.#clock)) {
        await this.#clock.sleep(left, this.#over.signal);
      }
      silent();
    } catch {
      // The answer is there.
    }
  }
}
