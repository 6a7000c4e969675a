// The POSIX half alone: Windows is not supported, and the whole module asks `process` for the platform, which loads
// Deno's Node layer (15 ms and 6 MB at start).
// @ts-types="./path.d.ts"
export {
  basename,
  common,
  dirname,
  extname,
  fromFileUrl,
  globToRegExp,
  isAbsolute,
  join,
  normalize,
  relative,
  resolve,
  SEPARATOR,
  toFileUrl,
} from "npm:deno-std@1.4.0/path/posix/mod.js";
