import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";

import { BuildStepError, listedVariables, runner, withoutSecrets } from "./runner.ts";

const ENV = {
  PATH: "/usr/bin:/bin",
  DENO_AUTH_TOKENS: "s3cret-token@example.org;other-token@example.net",
  HTTPS_PROXY: "http://me:pa55word@proxy:3128",
  AWS_SECRET_ACCESS_KEY: "not for builds",
};

Deno.test("listedVariables() leaves out what a build does not need", () => {
  assertEquals(Object.keys(listedVariables(ENV)), ["PATH", "DENO_AUTH_TOKENS", "HTTPS_PROXY"]);
});

Deno.test("withoutSecrets() masks tokens and passwords of addresses", () => {
  const text = "cannot reach proxy with me:pa55word, nor with s3cret-token or other-token";

  assertEquals(
    withoutSecrets(text, ENV),
    "cannot reach proxy with [redacted], nor with [redacted] or [redacted]",
  );
});

Deno.test("runner() gives programs the listed variables, and errors without secrets", async () => {
  const sh = runner("/bin/sh", { cwd: "/", env: ENV });

  assertEquals(await sh(["-c", 'echo "$AWS_SECRET_ACCESS_KEY$HTTPS_PROXY"']), `${ENV.HTTPS_PROXY}\n`);
  const error = await assertRejects(() => sh(["-c", 'echo "no: $DENO_AUTH_TOKENS" >&2; exit 3']), BuildStepError);
  assertEquals([error.exitCode, error.output.includes("s3cret-token")], [3, false]);
  assertStringIncludes(error.output, "no: [redacted]");
});
