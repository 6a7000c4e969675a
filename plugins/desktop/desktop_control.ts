/**
 * What agents do with the desktop: actions in turn, under the lease, and pictures.
 *
 * @module
 */
import { HttpProblem, messageOf } from "../../core/errors.ts";
import type { Clock, Env, Exec } from "../../core/plugin.ts";
import { ACTION_NAMES, type ActionAnswer, type ActionName, type ActionRequest } from "./action_request.ts";
import { ACTIONS, type ActionSpec, scaledSize } from "./actions.ts";
import type { DesktopConfig } from "./config.ts";
import { fitInto, regionOnScreen } from "./coordinates.ts";
import type { ActionResult } from "./desktop_metrics.ts";
import type { DesktopHolder } from "./desktop_holder.ts";
import type { Capture, DesktopSession } from "./driver.ts";
import type { ImageFormat } from "./image/encode.ts";
import { type EncodedPicture, MAX_SIDE, type Picture } from "./image/picture.ts";
import { UnknownKeyError } from "./keysyms.ts";
import { DesktopHeldError, type Lease, StaleEpochError } from "./lease.ts";
import { SeenEpochs } from "./seen_epochs.ts";
import { TooManyWaitingError, Turns } from "./turns.ts";

/** Who asks for an action. */
export interface ActionCaller {
  /** Names the caller among others: its chat, for instance. Empty for those without a name. */
  readonly name: string;
  /** Aborts when nobody waits for the answer any more. */
  readonly signal: AbortSignal;
}

/** What the control works with. */
export interface DesktopControlWork {
  readonly holder: DesktopHolder;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly exec: Exec;
  readonly env: Env;
  readonly config: Pick<DesktopConfig, "maxWaitingActions" | "maxDurationMs">;
  /** Told each action that was understood. `seconds` has its wait for its turn in it. */
  readonly onAction: (action: ActionName, result: ActionResult, seconds: number) => void;
}

const DEFAULT_QUALITY = 80;

/** The desktop for agents. */
export class DesktopControl {
  readonly #work: DesktopControlWork;
  readonly #turns: Turns;
  readonly #seen = new SeenEpochs();
  /** The last action of an agent, for those who watch. */
  lastAction: { readonly action: string; readonly at: number; readonly caller: string } | undefined;

  constructor(work: DesktopControlWork) {
    this.#work = work;
    this.#turns = new Turns(work.config.maxWaitingActions);
  }

  /**
   * Does one action on a desktop that runs.
   *
   * @throws {HttpProblem} 400 for what the request lacks, 409 for input from an earlier epoch, 429 when too much waits, 500 when
   * the driver fails.
   * @throws {DesktopHeldError} While a person holds the desktop.
   */
  async act(session: DesktopSession, request: ActionRequest, caller: ActionCaller): Promise<ActionAnswer> {
    const begin = performance.now();
    const action = actionOf(request);
    const done = (result: ActionResult) => this.#work.onAction(action, result, (performance.now() - begin) / 1000);
    const spec = isPicture(action) ? undefined : ACTIONS[action];
    try {
      const answer = spec === undefined
        ? await this.#picture(session, request, caller)
        : await this.#perform(session, request, spec, caller);
      done("ok");
      return answer;
    } catch (error) {
      const problem = caller.signal.aborted ? error : problemOf(error, spec?.failure ?? "Screenshot failed");
      done(caller.signal.aborted ? "cancelled" : resultOf(problem));
      throw problem;
    }
  }

  /** The whole screen as PNG in base64, in its own size, for whoever is handed the desktop. */
  async snapshot(session: DesktopSession, signal: AbortSignal): Promise<string> {
    return await this.#encode(await session.capture({}, signal), { action: "screenshot" }, signal);
  }

  /** The caller has seen the screen as it is in the present epoch. */
  hasSeen(caller: Pick<ActionCaller, "name">): void {
    this.#seen.note(caller.name, this.#work.lease.state.epoch);
  }

  async #perform(
    session: DesktopSession,
    request: ActionRequest,
    spec: ActionSpec,
    caller: ActionCaller,
  ): Promise<ActionAnswer> {
    const { lease, clock, config } = this.#work;
    const run = async (signal: AbortSignal) => {
      const output = await spec.run({ session, request, clock, maxDurationMs: config.maxDurationMs, signal });
      return { output: output ?? `${request.action} action performed`, epoch: lease.state.epoch };
    };
    if (!spec.isInput) return await run(caller.signal);
    const admit = () => lease.admit(request.epoch ?? this.#seen.of(caller.name));
    admit(); // Fails at once, and once more when its turn has come.
    return await this.#turns.take(async () => {
      const signal = AbortSignal.any([caller.signal, admit()]);
      signal.throwIfAborted();
      this.lastAction = { action: request.action, at: clock.now(), caller: caller.name };
      return await run(signal);
    });
  }

  async #picture(session: DesktopSession, request: ActionRequest, caller: ActionCaller): Promise<ActionAnswer> {
    const { signal } = caller;
    const { epoch } = this.#work.lease.state;
    const picture = request.action === "zoom"
      ? await this.#zoom(session, request, signal)
      : await session.capture(captureOf(session, request), signal);
    const hash = await (await import("./image/picture_hash.ts")).pictureHash(picture, signal);
    this.#seen.note(caller.name, epoch);
    const { width, height } = picture;
    const shown = { output: request.action, screenshot_width: width, screenshot_height: height, screenshot_hash: hash };
    if (request.if_changed_from === hash) return { ...shown, screenshot_unchanged: true, epoch };
    const data = await this.#encode(picture, request, signal);
    const format = formatOf(request);
    return {
      ...shown,
      screenshot_data: data,
      ...(format !== "png" && { screenshot_type: `image/${format}` }),
      epoch,
    };
  }

  async #zoom(session: DesktopSession, request: ActionRequest, signal: AbortSignal): Promise<Picture | EncodedPicture> {
    const scaled = scaledSize(request);
    const region = regionOnScreen(request.region!, scaled, session.size);
    if (region === undefined) {
      throw new HttpProblem(400, 'Invalid "region" for zoom', {
        detail: "expected [left, top, right, bottom] with left < right and top < bottom, on the screen",
      });
    }
    // With one side named, a narrow part would become a picture of any length.
    const { width, height } = scaled;
    const isBounded = width !== undefined || height !== undefined;
    const target = fitInto(region, isBounded ? { width: width ?? MAX_SIDE, height: height ?? MAX_SIDE } : {});
    const picture = await session.capture({ region, target }, signal);
    if (picture.kind === "pixels") return picture;
    const { exec, env } = this.#work;
    return await (await import("./image/encode.ts")).cutOut(picture, region, target, { exec, env, signal });
  }

  /** @returns The picture in base64. */
  async #encode(
    picture: Picture | EncodedPicture,
    request: ActionRequest,
    signal: AbortSignal,
  ): Promise<string> {
    const { exec, env } = this.#work;
    const [{ encodePicture }, { base64Of }] = await Promise.all([
      import("./image/encode.ts"),
      import("./image/base64.ts"),
    ]);
    const quality = request.quality ?? DEFAULT_QUALITY;
    return await base64Of(
      await encodePicture(picture, { format: formatOf(request), quality, signal, exec, env }),
      signal,
    );
  }
}

/** @throws {HttpProblem} 400 for an action that is not known, or that lacks what it needs. */
function actionOf(request: ActionRequest): ActionName {
  const action = ACTION_NAMES.find((name) => name === request.action);
  if (action === undefined) {
    const detail = `known are ${ACTION_NAMES.join(", ")}`;
    throw new HttpProblem(400, `Unknown action: "${request.action}"`, { detail });
  }
  const needs = action === "screenshot" ? [] : action === "zoom" ? ["region"] as const : ACTIONS[action].needs;
  const missing = needs.find((field) => request[field] == null);
  if (missing !== undefined) throw new HttpProblem(400, `Missing "${missing}" for ${action}`);
  return action;
}

function isPicture(action: ActionName): action is "screenshot" | "zoom" {
  return action === "screenshot" || action === "zoom";
}

function problemOf(error: unknown, failure: string): unknown {
  if (error instanceof HttpProblem || error instanceof DesktopHeldError) return error;
  if (error instanceof StaleEpochError) return new HttpProblem(409, error.message, { code: error.code, cause: error });
  if (error instanceof UnknownKeyError) return new HttpProblem(400, error.message, { cause: error });
  if (error instanceof TooManyWaitingError) {
    return new HttpProblem(429, error.message, { headers: { "retry-after": "1" }, cause: error });
  }
  return new HttpProblem(500, failure, { detail: messageOf(error), cause: error });
}

/** Each axis on its own: a caller may give only one. */
function captureOf({ size }: DesktopSession, request: ActionRequest): Capture {
  const { width, height } = scaledSize(request);
  if (width === undefined && height === undefined) return {};
  return { target: { width: width ?? size.width, height: height ?? size.height } };
}

function formatOf({ format }: ActionRequest): ImageFormat {
  return format ?? "png";
}

function resultOf(problem: unknown): ActionResult {
  if (problem instanceof DesktopHeldError) return "held";
  return problem instanceof HttpProblem && problem.status < 500 ? "refused" : "failed";
}
