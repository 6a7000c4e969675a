/**
 * Values that must not be seen by accident.
 *
 * @module
 */
import { z } from "zod";

/** What a secret prints as. */
export const REDACTED = "[redacted]";

/** A string that logs, JSON and inspection show as `[redacted]`. Opened on purpose with {@linkcode Secret.reveal}. */
export class Secret {
  readonly #value: string;

  /** @param value The text to guard. */
  constructor(value: string) {
    this.#value = value;
  }

  /** The text itself. Keep it out of messages, errors and the environment of children. */
  reveal(): string {
    return this.#value;
  }

  /** Always `[redacted]`. */
  toString(): string {
    return REDACTED;
  }

  /** Always `[redacted]`. */
  toJSON(): string {
    return REDACTED;
  }

  /** What `console.log` and `Deno.inspect` print. */
  [Symbol.for("Deno.customInspect")](): string {
    return REDACTED;
  }

  /** What `node:util` prints. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return REDACTED;
  }
}

/**
 * A schema for a secret string: arrives as {@linkcode Secret} and is masked by `outpost config print`.
 *
 * Plain `z.string().meta({ secret: true })` does the same in a plugin's configuration; this one also gets the type right.
 *
 * @example A token in a plugin's schema
 * token: secretString().optional().describe("Token of the audit service.")
 */
export function secretString(): z.ZodType<Secret, string> {
  return z.string().min(1).meta({ secret: true }).transform((text) => new Secret(text));
}
