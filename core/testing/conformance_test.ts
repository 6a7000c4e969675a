/** The suite itself, on plugins that use what crosses to a program of its own, and that cannot. */
import needy, { Greeter } from "../attached/testdata/needy.ts";
import whole from "../attached/testdata/whole.ts";
import { conformance } from "./conformance.ts";
import { fake } from "./fake.ts";

conformance(whole, { file: import.meta.resolve("../attached/testdata/whole.ts") });
conformance(needy, {
  file: import.meta.resolve("../attached/testdata/needy.ts"),
  services: [fake(Greeter, { greet: () => "hello" })],
});
