import { conformance } from "../../core/testing/mod.ts";
import desktop from "./mod.ts";

conformance(desktop);
