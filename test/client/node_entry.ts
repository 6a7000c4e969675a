/**
 * Runs the suite on Node over both transports. Arguments: base URL, token, socket path, folder. Prints the result as JSON.
 *
 * @module
 */
import process from "node:process";

import { httpTransport } from "../../client/mod.ts";
import { unixTransport } from "../../client/node.ts";
import { runSuite } from "./suite.ts";

const [baseUrl, token, socketPath, home] = process.argv.slice(2) as [string, string, string, string];
const http = httpTransport({ baseUrl, token });
// The Unix transport of Node carries no WebSockets.
const unix = { ...unixTransport(socketPath), webSocket: http.webSocket };
const results = [
  await runSuite({ transport: http, home: `${home}/http` }),
  await runSuite({ transport: unix, home: `${home}/unix` }),
];
process.stdout.write(JSON.stringify(results));
