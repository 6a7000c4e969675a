/**
 * What is loaded by its first use and kept from then on.
 *
 * @module
 */

/** Holds it. A load that fails, as when no file can be opened in that moment, is not kept: the next use tries again. */
export class LoadedLate<Value> {
  readonly #load: () => Promise<Value>;
  #loading: Promise<Value> | undefined;

  /** @param load Never runs twice at once, and not again once it succeeded. */
  constructor(load: () => Promise<Value>) {
    this.#load = load;
  }

  /** @throws What the load throws. */
  use(): Promise<Value> {
    return this.#loading ??= Promise.try(this.#load).catch((error) => {
      this.#loading = undefined;
      throw error;
    });
  }

  /** What is loaded, after a load that is under way; `undefined` when nobody has used it or it could not be loaded. */
  async present(): Promise<Value | undefined> {
    return await this.#loading?.catch(() => undefined);
  }
}
