import { conformance, fake } from "../../core/testing/mod.ts";
import { FileAccess } from "../agentfiles/service.ts";
import { Processes } from "../agentproc/service.ts";
import { TaskReporter } from "../agentsocket/service.ts";
import mcp from "./mod.ts";

conformance(mcp, {
  config: { maxSessions: 2 },
  optionalServices: [fake(Processes, {}), fake(FileAccess, {}), fake(TaskReporter, {})],
});
