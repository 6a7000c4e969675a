/** @throws {SyntaxError} If `text` is not JSON with comments; the message gives the position. */
export declare function parse(text: string): unknown;
