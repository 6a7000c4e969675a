import { conformance } from "../../core/testing/mod.ts";
import boundarylogs from "./mod.ts";

conformance(boundarylogs, { config: { socketPath: `/tmp/boundarylogs-${crypto.randomUUID()}.sock` } });
