// @ts-types="./streams.d.ts"
export {
  LimitedBytesTransformStream,
  mergeReadableStreams,
  TextDelimiterStream,
  TextLineStream,
  toArrayBuffer,
  toText,
} from "npm:deno-std@1.4.0/streams/mod.js";
