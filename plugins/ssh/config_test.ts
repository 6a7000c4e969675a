import { assertEquals, assertStringIncludes } from "@std/assert";

import { parseAuthorizedKeys } from "./authorized_keys.ts";
import { sshConfig } from "./config.ts";
import { formatAddress, parseListenAddress } from "./listen_address.ts";

function problems(config: unknown): string {
  const result = sshConfig.safeParse(config);
  return result.success
    ? ""
    : result.error.issues.map(({ path, message }) => `${path.join(".")}: ${message}`).join("; ");
}

Deno.test("sshConfig refuses a listener that nobody could log in to", () => {
  assertStringIncludes(problems({}), "authorizedKeys: nobody could log in");
  assertEquals(problems({ authorizedKeys: ["ssh-ed25519 AAAA"] }), "");
  assertEquals(problems({ authorizedKeysFile: "/keys" }), "");
  assertEquals(problems({ listen: null, unix: "/run/ssh.sock" }), "");
});

Deno.test("sshConfig lets everybody in on loopback only", () => {
  for (const listen of ["127.0.0.1:0", "[::1]:22", "localhost:2222"]) {
    assertEquals(problems({ listen, allowAnonymous: true }), "");
  }
  for (const listen of ["0.0.0.0:22", "[::]:22", "192.168.1.1:22"]) {
    assertStringIncludes(problems({ listen, allowAnonymous: true }), "allowAnonymous: needs a loopback address");
  }
});

Deno.test("sshConfig refuses what is no address", () => {
  for (const listen of ["2222", "host:22", "127.0.0.1:70000", "::1:22"]) {
    assertStringIncludes(problems({ listen, allowAnonymous: true }), "listen: is no address");
  }
});

Deno.test("formatAddress() writes what parseListenAddress() reads", () => {
  for (const text of ["127.0.0.1:0", "[::1]:22"]) {
    const { host, port } = parseListenAddress(text)!;
    assertEquals(formatAddress(host, port), text);
  }
});

Deno.test("parseAuthorizedKeys() takes plain lines, and counts what would grant less than the bare key", () => {
  const text = [
    "# comment",
    "",
    "ssh-ed25519 AAAA me@host",
    '  command="backup",restrict ssh-ed25519 AAAA',
    "ssh-dss AAAA",
    "ecdsa-sha2-nistp256 AAAA",
  ].join("\n");

  assertEquals(parseAuthorizedKeys(text), {
    keys: ["ssh-ed25519 AAAA me@host", "ecdsa-sha2-nistp256 AAAA"],
    ignored: 2,
  });
});
