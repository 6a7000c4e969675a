import { assertEquals, assertRejects } from "@std/assert";

import { loginVariables, userShell as systemShell, type UserShellOptions } from "./user_shell.ts";

const PASSWD = "root:x:0:0:root:/root:/bin/bash\nme:x:1000:1000:Me,,,:/home/me:/bin/zsh\nbare:x:1001:1001::/:\n";

/** On a machine that has every shell. */
function userShell(options: UserShellOptions): Promise<string> {
  return systemShell({ isThere: () => true, ...options });
}

Deno.test("userShell() takes the shell of the user database before SHELL", async () => {
  assertEquals(await userShell({ processEnv: { SHELL: "/bin/fish" }, uid: 1000, passwd: PASSWD }), "/bin/zsh");
});

Deno.test("userShell() takes SHELL for a user without an entry, or without a shell in it", async () => {
  assertEquals(await userShell({ processEnv: { SHELL: "/bin/fish" }, uid: 4711, passwd: PASSWD }), "/bin/fish");
  assertEquals(await userShell({ processEnv: { SHELL: "/bin/fish" }, uid: 1001, passwd: PASSWD }), "/bin/fish");
});

Deno.test("userShell() takes /bin/sh when nothing names a shell", async () => {
  assertEquals(await userShell({ processEnv: {}, uid: 4711, passwd: PASSWD }), "/bin/sh");
});

Deno.test("userShell() passes over a shell that is not installed", async () => {
  const isThere = (path: string) => path !== "/bin/zsh";

  const options = { uid: 1000, passwd: PASSWD, isThere };
  assertEquals(await userShell({ ...options, processEnv: { SHELL: "/bin/fish" } }), "/bin/fish");
  assertEquals(await userShell({ ...options, processEnv: { SHELL: "/bin/zsh" } }), "/bin/sh");
});

Deno.test("userShell() refuses a malformed line of the user", async () => {
  await assertRejects(
    () => userShell({ processEnv: { SHELL: "/bin/sh" }, uid: 5, passwd: "five:x:5:5" }),
    RangeError,
    "4 fields",
  );
});

Deno.test("loginVariables() fills in what a login would have set, and changes nothing that is there", async () => {
  const passwd = "root:x:0:0::/root:/bin/bash\nada:x:1000:1000::/home/ada:/bin/zsh\n";
  const of = (uid: number, variables: Record<string, string>) => loginVariables(variables, { uid, passwd });

  assertEquals(await of(1000, {}), { USER: "ada", LOGNAME: "ada", SHELL: "/bin/zsh" });
  assertEquals(await of(1000, { USER: "other", SHELL: "/bin/sh" }), { LOGNAME: "ada" });
  assertEquals(await of(7, {}), {});
});
