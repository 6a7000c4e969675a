import { conformance } from "../../core/testing/mod.ts";
import agentproc from "./mod.ts";

conformance(agentproc, { config: { maxProcesses: 4 } });
