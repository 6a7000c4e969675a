import { conformance, fake } from "../../core/testing/mod.ts";
import { FileAccess } from "../agentfiles/service.ts";
import { Processes } from "../agentproc/service.ts";
import mcp from "./mod.ts";
import { TaskReporter } from "./service.ts";

conformance(mcp, {
  config: { maxSessions: 2 },
  optionalServices: [fake(Processes, {}), fake(FileAccess, {}), fake(TaskReporter, {})],
});
