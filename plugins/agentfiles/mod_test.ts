import { conformance } from "../../core/testing/mod.ts";
import agentfiles from "./mod.ts";

conformance(agentfiles, { file: import.meta.resolve("./mod.ts") });
