import { conformance } from "../../core/testing/conformance.ts";
import { fake } from "../../core/testing/fake.ts";
import { LifecycleReports } from "../controlplane/service.ts";
import scripts from "./mod.ts";

conformance(scripts, { services: [fake(LifecycleReports, { add() {} })] });
