/**
 * The part of `@xterm/addon-serialize` that the mirror uses. The package's own types bring the browser's globals with them.
 *
 * @module
 */
import type { Addon } from "./xterm_headless.d.ts";

/** Writes a terminal's contents as text that draws them. */
declare class SerializeAddon implements Addon {
  activate(terminal: unknown): void;
  dispose(): void;
  serialize(): string;
}
/** What the package exports. */
declare const addon: { readonly SerializeAddon: typeof SerializeAddon };
export default addon;
