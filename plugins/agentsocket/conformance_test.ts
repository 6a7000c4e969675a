import { conformance } from "../../core/testing/mod.ts";
import agentsocket from "./mod.ts";

conformance(agentsocket, { config: { maxUnits: 10 } });
