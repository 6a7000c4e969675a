/**
 * Which state of the desktop each caller has looked at last.
 *
 * @module
 */

/** Most callers remembered; the one that looked longest ago is forgotten, and then passes as one that never looked. */
const MAX_CALLERS = 256;

/** Epochs by caller. */
export class SeenEpochs {
  readonly #epochs = new Map<string, number>();

  /** The caller was shown the screen in this epoch. */
  note(caller: string, epoch: number): void {
    this.#epochs.delete(caller);
    if (this.#epochs.size >= MAX_CALLERS) this.#epochs.delete(this.#epochs.keys().next().value!);
    this.#epochs.set(caller, epoch);
  }

  /** `undefined` for a caller that never looked. */
  of(caller: string): number | undefined {
    return this.#epochs.get(caller);
  }
}
