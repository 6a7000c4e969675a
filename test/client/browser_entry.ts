/**
 * Lets a page run the suite: `runClientSuite(home)`.
 *
 * @module
 */
import { httpTransport } from "../../client/mod.ts";
import { runSuite } from "./suite.ts";

Object.assign(globalThis, { runClientSuite: (home: string) => runSuite({ transport: httpTransport(), home }) });
