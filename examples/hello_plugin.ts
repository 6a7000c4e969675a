/**
 * A whole plugin. Load it by configuration: `deno task outpost start --config examples/hello.jsonc`
 *
 * @module
 */
import { definePlugin, type Plugin } from "../mod.ts";

/** Answers `GET /api/v0/hello`. */
const hello: Plugin = definePlugin({
  id: "hello",
  version: "1.0.0",
  api: 1,
  stability: "stable",
  summary: "Says hello.",
  setup(ctx) {
    ctx.routes.app.get("/", (c) => c.json({ message: `Hello from ${ctx.host.os}` }));
  },
});
export default hello;
