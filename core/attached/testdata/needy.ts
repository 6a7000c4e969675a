/** A plugin that cannot be without a service, and so cannot be attached. */
import { definePlugin, defineService, type Plugin } from "../../plugin.ts";
import { serveAttached } from "../mod.ts";

/** What it needs. */
export const Greeter = defineService<{ greet(): string }>("greeter/greeter");

const needy: Plugin = definePlugin({
  id: "needy",
  version: "1.0.0",
  api: 1,
  stability: "stable",
  summary: "Needs somebody.",
  needs: { greeter: Greeter },
  setup(ctx) {
    ctx.routes.app.get("/", (c) => c.text(ctx.services.greeter.greet()));
  },
});
export default needy;

if (import.meta.main) await serveAttached(needy);
