import { conformance } from "../../core/testing/mod.ts";
import ssh from "./mod.ts";

const directory = Deno.makeTempDirSync();
addEventListener("unload", () => Deno.removeSync(directory, { recursive: true }));

conformance(ssh, { config: { allowAnonymous: true, hostKeyFile: `${directory}/host_key` } });
