/**
 * Headers that a command prints, such as a token of a proxy in front of the control plane that is good for minutes.
 *
 * @module
 */
import { DialError } from "./dial_error.ts";

/**
 * Runs `command` with `sh -c` and reads one `NAME=VALUE` per line. It finds the control plane's address in `CODER_URL`.
 *
 * @throws {DialError} When it fails, or a line is nothing of the kind. No value is part of the message.
 */
export async function headersOfCommand(command: string, url: string): Promise<Record<string, string>> {
  const { code, stdout } = await new Deno.Command("sh", {
    args: ["-c", command],
    env: { CODER_URL: url },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).output();
  if (code !== 0) throw new DialError(`Cannot connect to the control plane: the header command ended with ${code}`);
  const lines = new TextDecoder().decode(stdout).split("\n").map((line) => line.trim()).filter((line) => line !== "");
  return Object.fromEntries(lines.map((line, index): [string, string] => {
    const [name, value] = headerOf(line) ?? [];
    if (name === undefined || value === undefined) {
      throw new DialError(
        `Cannot connect to the control plane: line ${index + 1} of the header command is no NAME=VALUE`,
      );
    }
    return [name, value];
  }));
}

/** Name and value of a header written as `NAME=VALUE`; `undefined` when it is none. */
export function headerOf(text: string): readonly [name: string, value: string] | undefined {
  // RFC 9110, 5.6.2: the characters of a field name.
  const match = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+)=(.*)$/.exec(text);
  return match === null ? undefined : [match[1]!, match[2]!];
}
