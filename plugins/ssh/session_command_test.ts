import { assertEquals } from "@std/assert";

import { BLOCKED_STATUS, isFileTransfer } from "./file_transfer_block.ts";
import { sessionCommand } from "./session_command.ts";
import { clientVariables } from "./session_type.ts";
import { shellWords } from "./shell_words.ts";
import { signalNamed } from "./signal_names.ts";
import { sttyArguments } from "./stty_arguments.ts";

Deno.test("sessionCommand() gives a login shell for no text, and one argument for any other", () => {
  assertEquals(sessionCommand("/bin/zsh", ""), ["/bin/zsh", "-l"]);
  assertEquals(sessionCommand("/bin/zsh", " echo 'a b' "), ["/bin/zsh", "-c", " echo 'a b' "]);
});

Deno.test("sessionCommand() hands a script to the interpreter that its first line names, whole", () => {
  const script = "\n  #!/usr/bin/env -S 'A B=1' bash\necho hi\n";

  assertEquals(sessionCommand("/bin/sh", script), ["/usr/bin/env", "-S", "A B=1", "bash", "-c", script]);
  assertEquals(sessionCommand("/bin/sh", "#!\necho"), ["/bin/sh", "-c", "#!\necho"]);
});

Deno.test("shellWords() splits as a shell does", () => {
  assertEquals(shellWords(`a  'b c' "d \\"e" f\\ g ''`), ["a", "b c", 'd "e', "f g", ""]);
  assertEquals(shellWords(`"keep \\n" 'un\\touched'`), ["keep \\n", "un\\touched"]);
  assertEquals(shellWords(`open 'quote`), ["open", "quote"]);
  assertEquals(shellWords("  "), []);
});

Deno.test("isFileTransfer() knows the programs by their base name, and the subsystem", () => {
  const blocked = ["scp -t .", "/usr/bin/rsync --server", "'nc' -l 1", "sftp host"];
  const free = ["echo scp", "scpx", "", "./my-sftp"];

  assertEquals(blocked.map((text) => isFileTransfer({ kind: "exec", text })), blocked.map(() => true));
  assertEquals(free.map((text) => isFileTransfer({ kind: "exec", text })), free.map(() => false));
  assertEquals(isFileTransfer({ kind: "subsystem", text: "sftp" }), true);
  assertEquals(BLOCKED_STATUS, 65);
});

Deno.test("clientVariables() takes out what speaks to the agent; the last value counts, letters' case does not", () => {
  const env = [
    ["CODER_SSH_SESSION_TYPE", "jetbrains"],
    ["A", "1"],
    ["CODER_SSH_SESSION_TYPE", "VsCode"],
    ["CODER_CONTAINER", "box"],
    ["CODER_CONTAINER_USER", "me"],
    ["A", "2"],
  ] as const;

  assertEquals(clientVariables(env), { type: "vscode", container: "box", variables: { A: "2" } });
  assertEquals(clientVariables([]), { type: "ssh", variables: {} });
  assertEquals(clientVariables([["CODER_SSH_SESSION_TYPE", "toString"]]), {
    type: "unknown",
    unknownType: "toString",
    variables: {},
  });
});

Deno.test("signalNamed() maps the names of SSH, and takes any other as the wish to end the command", () => {
  assertEquals(["TERM", "USR2", "INT", "KILL"].map(signalNamed), ["SIGTERM", "SIGUSR2", "SIGINT", "SIGKILL"]);
  assertEquals(["WINCH", "toString", ""].map(signalNamed), ["SIGKILL", "SIGKILL", "SIGKILL"]);
});

Deno.test("sttyArguments() sets characters, flags, size and speeds, and leaves out what it does not know", () => {
  const modes = new Map([[1, 3], [3, 127], [6, 255], [8, 0x71], [53, 0], [50, 1], [91, 1], [90, 0], [128, 38400]]);

  assertEquals(sttyArguments(modes).join(" "), "intr ^C erase ^? eol undef start 113 -echo isig cs8 ispeed 38400");
  assertEquals(sttyArguments(new Map([[11, 25], [129, 12345], [200, 1]])), []);
});
