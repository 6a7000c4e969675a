export declare function encodeHex(data: ArrayBuffer | Uint8Array | string): string;
/** @throws {TypeError} If `text` is not hexadecimal. */
export declare function decodeHex(text: string): Uint8Array<ArrayBuffer>;
