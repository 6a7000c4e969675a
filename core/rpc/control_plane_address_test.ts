import { assertEquals, assertRejects } from "@std/assert";

import { Secret } from "../config/secret.ts";
import { controlPlaneAddress } from "./control_plane_address.ts";
import { DialError } from "./dial_error.ts";

Deno.test("controlPlaneAddress() is undefined without an address: the agent runs on its own", () => {
  assertEquals(controlPlaneAddress({ headers: {} }, { CODER_AGENT_TOKEN: "t", CODER_AGENT_URL: "" }), undefined);
});

Deno.test("controlPlaneAddress() takes settings before the environment", async () => {
  const env = { CODER_AGENT_URL: "https://env.example", CODER_AGENT_TOKEN: "from-env" };
  const settings = { url: "https://file.example", token: new Secret("from-file"), headers: { a: "b" } };

  const configured = controlPlaneAddress(settings, env)!;
  const inherited = controlPlaneAddress({ headers: {} }, env)!;

  assertEquals([configured.url, await configured.token(), await configured.headers()], [
    "https://file.example",
    "from-file",
    { a: "b" },
  ]);
  assertEquals([inherited.url, await inherited.token()], ["https://env.example", "from-env"]);
});

Deno.test("controlPlaneAddress() reads a token file anew for each attempt, and trims it", async () => {
  const path = await Deno.makeTempFile();
  const { token } = controlPlaneAddress({ tokenFile: path, headers: {} }, { CODER_AGENT_URL: "https://a.example" })!;

  await Deno.writeTextFile(path, "first\n");
  const first = await token();
  await Deno.writeTextFile(path, " second \n");

  assertEquals([first, await token()], ["first", "second"]);
  await Deno.remove(path);
  await assertRejects(token, DialError, "Cannot read the token");
});

Deno.test("controlPlaneAddress() says how to give a token when there is none", async () => {
  const { token } = controlPlaneAddress({ headers: {} }, { CODER_AGENT_URL: "https://a.example" })!;

  await assertRejects(token, DialError, "set agent.controlPlane.token or CODER_AGENT_TOKEN");
});
