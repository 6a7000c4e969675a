/** What `Deno.stat` and friends know about a file, as far as a tag needs it. */
export interface FileInfo {
  mtime: Date | null;
  size: number;
}
/** Entity tag of a body, or a weak one of a file's time and size. RFC 9110, section 8.8.3. */
export declare function eTag(
  entity: string | Uint8Array | FileInfo,
  options?: { algorithm?: "SHA-1" | "SHA-256" | "SHA-384" | "SHA-512"; weak?: boolean },
): Promise<string | undefined>;
/** Whether an `If-Match` header allows the request. RFC 9110, section 13.1.1. */
export declare function ifMatch(value: string | null, etag: string | undefined): boolean;
/** Whether an `If-None-Match` header asks for a body. RFC 9110, section 13.1.2. */
export declare function ifNoneMatch(value: string | null, etag: string | undefined): boolean;
