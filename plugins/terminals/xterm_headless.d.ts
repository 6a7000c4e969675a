/**
 * The part of `@xterm/headless` that the mirror uses. The package's own types bring the browser's globals with them.
 *
 * @module
 */

/** An extension of a terminal. */
export interface Addon {
  activate(terminal: Terminal): void;
  dispose(): void;
}
/** A terminal without a window. */
declare class Terminal {
  constructor(options: { cols: number; rows: number; scrollback: number; allowProposedApi: boolean });
  readonly rows: number;
  readonly options: { scrollback: number };
  readonly modes: { readonly originMode: boolean };
  readonly buffer: { readonly active: { readonly cursorX: number; readonly cursorY: number } };
  /** Private parts; whoever uses them checks that they are there. */
  readonly _core: {
    readonly coreService: { readonly isCursorHidden: boolean };
    readonly coreMouseService: { readonly activeEncoding: string };
    readonly buffer: { readonly scrollTop: number; readonly scrollBottom: number };
  };
  loadAddon(addon: Addon): void;
  write(data: Uint8Array, done: () => void): void;
  resize(cols: number, rows: number): void;
  dispose(): void;
}
/** What the package exports. */
declare const headless: { readonly Terminal: typeof Terminal };
export default headless;
