export declare function encodeBase64(data: ArrayBuffer | Uint8Array | string): string;
/** @throws {TypeError} If `text` is not base64. */
export declare function decodeBase64(text: string): Uint8Array<ArrayBuffer>;
