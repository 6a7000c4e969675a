/** The alphabet that is safe in URLs, headers and file names; without padding. */
export declare function encodeBase64Url(data: ArrayBuffer | Uint8Array | string): string;
