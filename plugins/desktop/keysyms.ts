/**
 * Names of keys, as models write them, and the numbers that X has for them (keysyms).
 *
 * @module
 */

/** Keysyms of characters outside Latin-1 are their code points with this bit set. */
const UNICODE = 0x01000000;

const LATIN1_PUNCTUATION: readonly (readonly [number, string])[] = [
  [0x20, "space exclam quotedbl numbersign dollar percent ampersand apostrophe parenleft parenright asterisk plus"],
  [0x2c, "comma minus period slash"],
  [0x3a, "colon semicolon less equal greater question at"],
  [0x5b, "bracketleft backslash bracketright asciicircum underscore grave"],
  [0x7b, "braceleft bar braceright asciitilde"],
  [0xa0, "nobreakspace exclamdown cent sterling currency yen brokenbar section diaeresis copyright ordfeminine"],
  [
    0xab,
    "guillemotleft notsign hyphen registered macron degree plusminus twosuperior threesuperior acute mu paragraph",
  ],
  [0xb7, "periodcentered cedilla onesuperior masculine guillemotright onequarter onehalf threequarters questiondown"],
  [0xc0, "Agrave Aacute Acircumflex Atilde Adiaeresis Aring AE Ccedilla Egrave Eacute Ecircumflex Ediaeresis"],
  [0xcc, "Igrave Iacute Icircumflex Idiaeresis ETH Ntilde Ograve Oacute Ocircumflex Otilde Odiaeresis multiply"],
  [0xd8, "Oslash Ugrave Uacute Ucircumflex Udiaeresis Yacute THORN ssharp"],
  [0xe0, "agrave aacute acircumflex atilde adiaeresis aring ae ccedilla egrave eacute ecircumflex ediaeresis"],
  [0xec, "igrave iacute icircumflex idiaeresis eth ntilde ograve oacute ocircumflex otilde odiaeresis division"],
  [0xf8, "oslash ugrave uacute ucircumflex udiaeresis yacute thorn ydiaeresis"],
];

/** Keys that stand for no character. Names are X's own. */
const FUNCTION_KEYS: readonly (readonly [number, string])[] = [
  [0xff08, "BackSpace Tab Linefeed Clear"],
  [0xff0d, "Return"],
  [0xff13, "Pause Scroll_Lock Sys_Req"],
  [0xff1b, "Escape"],
  [0xff20, "Multi_key"],
  [0xff50, "Home Left Up Right Down Page_Up Page_Down End Begin"],
  [0xff60, "Select Print Execute Insert"],
  [0xff65, "Undo Redo Menu Find Cancel Help Break"],
  [0xff7e, "Mode_switch Num_Lock"],
  [0xff8d, "KP_Enter"],
  [0xff95, "KP_Home KP_Left KP_Up KP_Right KP_Down KP_Page_Up KP_Page_Down KP_End KP_Begin KP_Insert KP_Delete"],
  [0xffaa, "KP_Multiply KP_Add KP_Separator KP_Subtract KP_Decimal KP_Divide"],
  [0xffb0, "KP_0 KP_1 KP_2 KP_3 KP_4 KP_5 KP_6 KP_7 KP_8 KP_9"],
  [0xffbd, "KP_Equal"],
  [0xffe1, "Shift_L Shift_R Control_L Control_R Caps_Lock Shift_Lock Meta_L Meta_R Alt_L Alt_R Super_L Super_R"],
  [0xffed, "Hyper_L Hyper_R"],
  [0xffff, "Delete"],
  [0xfe03, "ISO_Level3_Shift"],
  [0xfe20, "ISO_Left_Tab"],
  [0x1008ff11, "XF86AudioLowerVolume XF86AudioMute XF86AudioRaiseVolume XF86AudioPlay XF86AudioStop XF86AudioPrev"],
  [0x1008ff17, "XF86AudioNext"],
  [0x1008ff26, "XF86Back XF86Forward"],
];
const FIRST_F_KEY = 0xffbe;
const F_KEYS = 35;

/** Words that people and models use, in lower case, for X's names. */
const ALIASES: Readonly<Record<string, string>> = {
  ctrl: "Control_L",
  control: "Control_L",
  shift: "Shift_L",
  alt: "Alt_L",
  option: "Alt_L",
  altgr: "ISO_Level3_Shift",
  meta: "Meta_L",
  super: "Super_L",
  win: "Super_L",
  windows: "Super_L",
  cmd: "Super_L",
  command: "Super_L",
  hyper: "Hyper_L",
  enter: "Return",
  esc: "Escape",
  del: "Delete",
  ins: "Insert",
  prior: "Page_Up",
  pageup: "Page_Up",
  pgup: "Page_Up",
  next: "Page_Down",
  pagedown: "Page_Down",
  pgdn: "Page_Down",
  arrowleft: "Left",
  arrowright: "Right",
  arrowup: "Up",
  arrowdown: "Down",
  capslock: "Caps_Lock",
  numlock: "Num_Lock",
  scrolllock: "Scroll_Lock",
  printscreen: "Print",
  quoteright: "apostrophe",
  quoteleft: "grave",
};

/** Characters that are typed with a key of their own. */
const CONTROL_CHARACTERS: Readonly<Record<string, number>> = {
  "\b": 0xff08,
  "\t": 0xff09,
  "\n": 0xff0d,
  "\r": 0xff0d,
  "\x1b": 0xff1b,
  "\x7f": 0xffff,
};

/** A word is no key's name, or a character cannot be typed. The message says which. */
export class UnknownKeyError extends Error {
  override readonly name = "UnknownKeyError";
}

/** The keysym of one character. @throws {UnknownKeyError} For a control character that no key stands for. */
export function keysymOfCharacter(character: string): number {
  const code = character.codePointAt(0) ?? 0;
  const own = CONTROL_CHARACTERS[character];
  if (own !== undefined) return own;
  if (code < 0x20 || (code >= 0x80 && code < 0xa0) || (code >= 0xd800 && code < 0xe000)) {
    throw new UnknownKeyError(`Cannot type the character U+${hex(code)}: no key stands for it`);
  }
  return code <= 0xff ? code : UNICODE | code;
}

/**
 * Reads what is pressed together, such as `ctrl+shift+t`, `Return`, `é` or `U20AC`; several such words, separated by spaces,
 * are pressed one after the other.
 *
 * @returns One list of keysyms for each word.
 * @throws {UnknownKeyError} When a part is no key.
 */
export function parseKeys(text: string): number[][] {
  const words = text.trim() === "" && text !== "" ? ["space"] : text.split(/\s+/).filter((word) => word !== "");
  if (words.length === 0) throw new UnknownKeyError("Cannot press a key without a name");
  return words.map((word) => partsOf(word).map((part) => keysymOfName(part, word)));
}

/** A plus sign is a key too: `+`, `ctrl++`. */
function partsOf(word: string): string[] {
  if (word === "+") return ["plus"];
  const parts = word.split("+");
  if (word.endsWith("++")) parts.splice(-2, 2, "plus");
  return parts;
}

function keysymOfName(name: string, word: string): number {
  const exact = names().get(name);
  if (exact !== undefined) return exact;
  if ([...name].length === 1) return keysymOfCharacter(name);
  const alias = names().get(ALIASES[name.toLowerCase()] ?? "") ?? names().get(name.toLowerCase());
  if (alias !== undefined) return alias;
  const code = /^U([0-9a-f]{2,6})$/i.exec(name)?.[1];
  if (code !== undefined && parseInt(code, 16) <= 0x10ffff) {
    return keysymOfCharacter(String.fromCodePoint(parseInt(code, 16)));
  }
  const where = name === word ? "" : ` in "${word}"`;
  throw new UnknownKeyError(`Unknown key "${name}"${where}: expected a name such as "Return", "ctrl+s" or "F5"`);
}

const names = lazily((): ReadonlyMap<string, number> => {
  const found = new Map<string, number>();
  for (const [first, words] of [...LATIN1_PUNCTUATION, ...FUNCTION_KEYS]) {
    for (const [index, word] of words.split(" ").entries()) found.set(word, first + index);
  }
  for (let index = 0; index < F_KEYS; index++) found.set(`F${index + 1}`, FIRST_F_KEY + index);
  // Also by their lower-case spelling, where that is not a key of its own.
  for (const [name, keysym] of [...found]) if (!found.has(name.toLowerCase())) found.set(name.toLowerCase(), keysym);
  return found;
});

/** Worked out once, when it is first asked for. It never changes afterwards. */
function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => made ??= make();
}

function hex(code: number): string {
  return code.toString(16).toUpperCase().padStart(4, "0");
}
