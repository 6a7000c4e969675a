/** Lets `size` bytes through, then ends the stream, or fails it when `error` is set. */
export declare class LimitedBytesTransformStream
  extends TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>> {
  constructor(
    size: number,
    options?: QueuingStrategy<Uint8Array> & { error?: boolean; readableStrategy?: QueuingStrategy<Uint8Array> },
  );
}
/** Splits text at a delimiter. */
export declare class TextDelimiterStream extends TransformStream<string, string> {
  constructor(delimiter: string, options?: { disposition?: "suffix" | "prefix" | "discard" });
}
/** Splits text into lines; `allowCR` also splits at a lone CR. */
export declare class TextLineStream extends TransformStream<string, string> {
  constructor(options?: { allowCR?: boolean });
}
export declare function mergeReadableStreams<T>(...streams: ReadableStream<T>[]): ReadableStream<T>;
export declare function toArrayBuffer(stream: ReadableStream<Uint8Array>): Promise<ArrayBuffer>;
export declare function toText(stream: ReadableStream): Promise<string>;
