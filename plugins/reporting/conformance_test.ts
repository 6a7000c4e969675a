import { conformance } from "../../core/testing/conformance.ts";
import { fake } from "../../core/testing/fake.ts";
import { ManifestFeed } from "../controlplane/service.ts";
import { SshTransport } from "../ssh/service.ts";
import { TerminalViewers } from "../terminals/service.ts";
import reporting from "./mod.ts";

conformance(reporting, {
  optionalServices: [fake(ManifestFeed, {}), fake(SshTransport, {}), fake(TerminalViewers, {})],
});
