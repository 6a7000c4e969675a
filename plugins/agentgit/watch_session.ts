/**
 * One watch connection: follows a chat's paths and tells the client how their repositories change.
 *
 * @module
 */
import { elapsedOn } from "../../core/clock.ts";
import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger, SocketChannel } from "../../core/plugin.ts";
import type { AgentgitConfig } from "./config.ts";
import type { WatchDirectories } from "./file_events.ts";
import { type Git, GitMissingError } from "./git_command.ts";
import type { TouchedPaths } from "./path_store.ts";
import { ProgressSender } from "./progress_sender.ts";
import { RepoEvents } from "./repo_events.ts";
import { RepoResolver } from "./repo_resolver.ts";
import { RepoScanner } from "./scanner.ts";
import { Wakeup } from "./wakeup.ts";
import { changesMessages, type RepoChange, unknownTypeMessage } from "./watch_message.ts";
import { WatchedRepo } from "./watched_repo.ts";

/** What a {@linkcode WatchSession} is made of. */
export interface WatchSessionParts {
  readonly git: Git;
  readonly clock: Clock;
  readonly log: Logger;
  readonly config: AgentgitConfig;
  /** Absent when file-system events are switched off. */
  readonly watchDirectories?: WatchDirectories;
  /** The directory that is watched for a chat without paths. */
  readonly fallbackDirectory: () => Promise<string>;
  /** Told whether git could be run. */
  readonly onGit: (isThere: boolean) => void;
  /** Told of every scan. */
  readonly onScan: (result: "changed" | "same" | "gone" | "failed") => void;
  /** Told when file-system events cannot be had, with the reason. */
  readonly onEventsLost: (repoRoot: string, error: unknown) => void;
}

/** State of one connection. Connections do not share any. */
export class WatchSession {
  readonly #parts: WatchSessionParts;
  readonly #socket: SocketChannel;
  readonly #resolver: RepoResolver;
  readonly #repos = new Map<string, WatchedRepo>();
  readonly #wakeup = new Wakeup();
  /** By what has passed, which setting the machine's clock does not change. */
  #lastScanMs: number | undefined;

  constructor(parts: WatchSessionParts, socket: SocketChannel) {
    this.#parts = parts;
    this.#socket = socket;
    this.#resolver = new RepoResolver(parts.git);
  }

  /** Runs until the connection or `paths` end. Without `paths`, nothing is watched and messages are answered. */
  async run(paths?: AsyncIterable<TouchedPaths>): Promise<void> {
    const controller = new AbortController();
    const signal = AbortSignal.any([this.#socket.signal, controller.signal]);
    const work = [
      this.#readMessages(),
      this.#scanWhenDue(signal),
      ...(paths ? [this.#followPaths(paths, signal)] : []),
    ];
    try {
      await Promise.race(work);
    } catch (error) {
      if (!this.#socket.signal.aborted) throw error;
    } finally {
      controller.abort();
      this.#socket.close(1001);
      await Promise.allSettled(work);
      for (const repo of this.#repos.values()) await repo[Symbol.asyncDispose]();
    }
  }

  async #readMessages(): Promise<void> {
    for await (const message of this.#socket) {
      const type = typeOf(message);
      if (type === undefined) return;
      if (type === "refresh") this.#wake((repo) => repo.markAll());
      else await this.#socket.send(unknownTypeMessage(type));
    }
  }

  async #followPaths(paths: AsyncIterable<TouchedPaths>, signal: AbortSignal): Promise<void> {
    for await (const { all, latest } of paths) {
      const wanted = latest.length > 0 ? latest : all;
      await this.#noteTouched(wanted.length > 0 ? wanted : [await this.#parts.fallbackDirectory()], latest, signal);
    }
  }

  async #noteTouched(paths: readonly string[], latest: readonly string[], signal: AbortSignal): Promise<void> {
    const concerned = new Set(await this.#addRepos(paths, signal));
    const isGeneral = latest.length === 0 || concerned.size === 0 || await someDirectory(latest);
    this.#wake((repo) => {
      if (isGeneral) repo.markAll();
      else if (concerned.has(repo)) repo.markTouched(latest);
    });
  }

  async #addRepos(paths: readonly string[], signal: AbortSignal): Promise<readonly WatchedRepo[]> {
    const { log, config } = this.#parts;
    const concerned: WatchedRepo[] = [];
    try {
      for (const repo of await this.#resolver.resolve(paths, signal)) {
        const known = this.#repos.get(repo.root);
        if (known) {
          concerned.push(known);
        } else if (this.#repos.size >= config.maxRepositories) {
          log.warn("repository is not watched: the limit is reached", {
            repo: repo.root,
            limit: config.maxRepositories,
          });
        } else {
          const watched = this.#open(repo);
          this.#repos.set(repo.root, watched);
          concerned.push(watched);
        }
      }
      this.#parts.onGit(true);
    } catch (error) {
      if (!(error instanceof GitMissingError)) throw error;
      this.#parts.onGit(false);
    }
    return concerned;
  }

  #open(repo: RepoScanner["repo"]): WatchedRepo {
    const { git, config, watchDirectories, onEventsLost } = this.#parts;
    const events = watchDirectories && new RepoEvents({
      repo,
      git,
      watch: watchDirectories,
      maxDirectories: config.maxWatchedDirectories,
      onEvent: () => this.#wakeup.call(),
      onFailure: (error) => onEventsLost(repo.root, error),
    });
    return new WatchedRepo({ scanner: new RepoScanner(repo, git, config), events, maxDiffBytes: config.maxDiffBytes });
  }

  #wake(mark: (repo: WatchedRepo) => void): void {
    for (const repo of this.#repos.values()) mark(repo);
    this.#wakeup.call();
  }

  async #scanWhenDue(signal: AbortSignal): Promise<void> {
    const { clock, config } = this.#parts;
    while (true) {
      const pollAt = (this.#lastScanMs ?? elapsedOn(clock)) + config.pollMs;
      const pollInMs = this.#repos.size === 0 ? undefined : Math.max(0, pollAt - elapsedOn(clock));
      const wasCalled = await this.#wakeup.wait(clock, pollInMs, signal);
      if (wasCalled) {
        const rested = this.#lastScanMs === undefined ? Infinity : elapsedOn(clock) - this.#lastScanMs;
        const pause = Math.max(config.settleMs, config.cooldownMs - rested);
        if (pause > 0) await clock.sleep(pause, signal);
      } else {
        for (const repo of this.#repos.values()) repo.markPoll();
      }
      await this.#scan(!wasCalled, signal);
    }
  }

  /** A poll that finds nothing to look for is a scan too: the client learns that all is as it was. */
  async #scan(isPoll: boolean, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const scannedAt = new Date(clock.now());
    const repos = [...this.#repos.values()];
    const changes: RepoChange[] = [];
    let looked = isPoll && repos.length > 0;
    for (const repo of repos) {
      const result = await this.#look(repo, signal);
      if (result === "skipped") continue;
      looked = true;
      if (result) changes.push(result);
    }
    if (!looked) return;
    this.#lastScanMs = elapsedOn(clock);
    for (const message of changesMessages(scannedAt, changes)) await this.#socket.send(message);
  }

  async #look(repo: WatchedRepo, signal: AbortSignal): Promise<RepoChange | "skipped" | undefined> {
    const { clock, config, log, onGit, onScan } = this.#parts;
    const progress = new ProgressSender({
      repoRoot: repo.root,
      clock,
      fromBytes: config.progressFromBytes,
      maxBytes: config.maxProgressBytes,
      send: (message) => this.#socket.send(JSON.stringify(message)),
    });
    try {
      const result = await repo.look(signal, progress);
      await progress.finish();
      if (result.kind === "skipped") return "skipped";
      onScan(result.kind);
      if (result.kind === "failed") log.warn("scan failed", { repo: repo.root, reason: result.reason });
      if (result.kind === "gone") await this.#drop(repo);
      return result.kind === "changed" || result.kind === "gone" ? result.change : undefined;
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof GitMissingError) {
        onGit(false);
        return "skipped";
      }
      if (this.#socket.signal.aborted) throw error;
      log.warn("scan failed", { repo: repo.root, reason: messageOf(error) });
      return undefined;
    }
  }

  async #drop(repo: WatchedRepo): Promise<void> {
    this.#repos.delete(repo.root);
    this.#resolver.forget(repo.root);
    await repo[Symbol.asyncDispose]();
  }
}

/** `undefined` for what is no message at all: such a client speaks something else. */
function typeOf(message: string | Uint8Array): unknown {
  if (typeof message !== "string") return undefined;
  try {
    const parsed: unknown = JSON.parse(message);
    return typeof parsed === "object" && parsed !== null && "type" in parsed ? parsed.type : "";
  } catch {
    return undefined;
  }
}

async function someDirectory(paths: readonly string[]): Promise<boolean> {
  const found = await Promise.all(paths.map((path) => Deno.stat(path).then((info) => info.isDirectory, () => false)));
  return found.includes(true);
}
