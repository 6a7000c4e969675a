/**
 * Media types by file extension. Contents are never looked at.
 *
 * @module
 */

/** The media type of a file name; `application/octet-stream` when the extension says nothing. */
export function mimeTypeOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const dot = name.lastIndexOf(".");
  return (dot === -1 ? undefined : TYPES.get(name.slice(dot + 1).toLowerCase())) ?? "application/octet-stream";
}

/** Media types and the extensions that mean them. Text is taken for UTF-8. */
const EXTENSIONS: Readonly<Record<string, string>> = {
  "application/gzip": "gz tgz",
  "application/json": "json map",
  "application/manifest+json": "webmanifest",
  "application/pdf": "pdf",
  "application/rtf": "rtf",
  "application/sql": "sql",
  "application/toml": "toml",
  "application/vnd.openxmlformats-officedocument.presentationml.presentation": "pptx",
  "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
  "application/vnd.openxmlformats-officedocument.wordprocessingml.document": "docx",
  "application/wasm": "wasm",
  "application/x-tar": "tar",
  "application/yaml": "yaml yml",
  "application/zip": "zip",
  "application/zstd": "zst",
  "audio/aac": "aac",
  "audio/flac": "flac",
  "audio/mpeg": "mp3",
  "audio/ogg": "ogg oga opus",
  "audio/wav": "wav",
  "font/otf": "otf",
  "font/ttf": "ttf",
  "font/woff": "woff",
  "font/woff2": "woff2",
  "image/avif": "avif",
  "image/bmp": "bmp",
  "image/gif": "gif",
  "image/jpeg": "jpg jpeg",
  "image/png": "png",
  "image/svg+xml": "svg",
  "image/tiff": "tif tiff",
  "image/webp": "webp",
  "image/x-icon": "ico",
  "text/css; charset=utf-8": "css",
  "text/csv; charset=utf-8": "csv",
  "text/html; charset=utf-8": "html htm",
  "text/javascript; charset=utf-8": "js mjs cjs",
  "text/markdown; charset=utf-8": "md markdown",
  "text/plain; charset=utf-8": "txt text log conf ini ts mts cts tsx jsx go rs py rb c h cpp hpp java kt sh",
  "text/xml; charset=utf-8": "xml",
  "video/mp4": "mp4 m4v",
  "video/mpeg": "mpeg mpg",
  "video/quicktime": "mov",
  "video/webm": "webm",
};

const TYPES: ReadonlyMap<string, string> = new Map(
  Object.entries(EXTENSIONS).flatMap(([type, list]) => list.split(" ").map((extension) => [extension, type] as const)),
);
