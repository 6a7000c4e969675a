/**
 * The host key of clients whom the transport vouches for: derived from the workspace's names, so that it stays the same when
 * the workspace is built anew and what clients have written down stays valid.
 *
 * @module
 */
import { messageOf } from "../../core/errors.ts";
import type { Clock, Logger, Rpc, Tasks } from "../../core/plugin.ts";
import { replaceFile } from "../../core/replace_file.ts";
import type { ManifestFeed } from "../controlplane/service.ts";
import { derivedHostKey, hostKeySeed } from "./host_key.ts";

/** What the key depends on. */
export interface TrustedHostKeyWork {
  readonly manifest?: ManifestFeed;
  readonly rpc: Pick<Rpc, "whileConnected">;
  readonly tasks: Tasks;
  readonly clock: Clock;
  readonly log: Logger;
  /** The key when nobody knows names. */
  readonly otherwise: string;
  /** Where the seed is kept, so that the key is the same while the control plane is away. */
  readonly seedFile: string;
}

/** Time the names have to arrive once there is a connection, in milliseconds. */
const NAMES_MS = 10_000;

/** Follows the names until the plugin stops. */
export class TrustedHostKey {
  readonly #work: TrustedHostKeyWork;
  readonly #named = new AbortController();
  #seed: bigint | undefined;
  #isConnected = false;

  private constructor(work: TrustedHostKeyWork, seed: bigint | undefined) {
    this.#work = work;
    this.#seed = seed;
    const { manifest } = work;
    if (manifest === undefined) return;
    work.tasks.run("host key", async (signal) => {
      for await (const { ownerName, workspaceName, agentName } of manifest.watch(signal)) {
        await this.#name(hostKeySeed({ owner: ownerName, workspace: workspaceName, agent: agentName }));
      }
    });
    work.rpc.whileConnected("host key", (_rpc, signal) => {
      this.#isConnected = true;
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => {
          this.#isConnected = false;
          resolve();
        }, { once: true });
      });
    });
  }

  /** Begins with the seed of an earlier life, if there is one. */
  static async open(work: TrustedHostKeyWork): Promise<TrustedHostKey> {
    return new TrustedHostKey(work, work.manifest === undefined ? undefined : await readSeed(work));
  }

  /** The private key for a client that comes now. Waits for names that are under way. */
  async current(): Promise<string> {
    const { signal } = this.#named;
    // Rejects when they have arrived; when they have not in time, the ones from before do.
    if (this.#isConnected && !signal.aborted) await this.#work.clock.sleep(NAMES_MS, signal).catch(() => {});
    return this.#seed === undefined ? this.#work.otherwise : derivedHostKey(this.#seed);
  }

  async #name(seed: bigint): Promise<void> {
    const isNew = seed !== this.#seed;
    this.#seed = seed;
    this.#named.abort();
    if (isNew) await writeSeed(this.#work, seed);
  }
}

async function readSeed({ seedFile, log }: TrustedHostKeyWork): Promise<bigint | undefined> {
  try {
    const text = (await Deno.readTextFile(seedFile)).trim();
    if (/^-?\d{1,19}$/.test(text)) return BigInt(text);
    log.warn("the kept seed of the host key is none", { path: seedFile });
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) {
      log.warn("the kept seed of the host key cannot be read", { path: seedFile, error: messageOf(error) });
    }
  }
  return undefined;
}

/** Without it the key is another one until the control plane has told the names again: worth a warning, no more. */
async function writeSeed({ seedFile, log }: TrustedHostKeyWork, seed: bigint): Promise<void> {
  try {
    await replaceFile(seedFile, `${seed}\n`);
  } catch (error) {
    log.warn("the seed of the host key cannot be kept", { path: seedFile, error: messageOf(error) });
  }
}
