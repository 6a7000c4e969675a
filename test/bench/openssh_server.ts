/**
 * Debian's sshd as a process of its own: the floor of the SSH figures.
 *
 * @module
 */
import { join } from "@std/path";

/** A running sshd. Disposing it ends it. */
export interface OpensshServer extends AsyncDisposable {
  readonly pid: number;
  readonly port: number;
}

/** Starts one on a free port of loopback, with its own configuration and a host key that it makes in `directory`. */
export async function startOpenssh(directory: string, authorizedKeys: string): Promise<OpensshServer> {
  const hostKey = join(directory, "sshd_host_key");
  const made = await new Deno.Command("ssh-keygen", { args: ["-q", "-t", "ed25519", "-N", "", "-f", hostKey] })
    .output();
  if (!made.success) throw new Error(`Cannot make a host key: ${new TextDecoder().decode(made.stderr)}`);
  // Debian's sshd wants this directory, whatever its configuration says.
  await Deno.mkdir("/run/sshd", { recursive: true, mode: 0o755 });
  const port = freePort();
  const config = join(directory, "sshd_config");
  await Deno.writeTextFile(
    config,
    [
      `ListenAddress 127.0.0.1:${port}`,
      `HostKey ${hostKey}`,
      `AuthorizedKeysFile ${authorizedKeys}`,
      "PidFile none",
      "PermitRootLogin yes",
      "StrictModes no",
      "UsePAM no",
      "PrintMotd no",
      // What the user's own shell does at its start is not the server's time.
      `SetEnv HOME=${directory}`,
      "MaxStartups 300",
      "MaxSessions 300",
      "Subsystem sftp internal-sftp",
      "",
    ].join("\n"),
  );
  const child = new Deno.Command("/usr/sbin/sshd", {
    args: ["-D", "-e", "-f", config],
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const ready = Promise.withResolvers<void>();
  const log = (async () => {
    let text = "";
    for await (const part of child.stderr.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes("Server listening")) ready.resolve();
    }
    ready.reject(new Error(`Cannot start sshd: ${text}`));
  })();
  await ready.promise;
  return {
    pid: child.pid,
    port,
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await child.status;
      await log;
    },
  };
}

/** sshd takes no port 0. */
function freePort(): number {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  listener.close();
  return listener.addr.port;
}
