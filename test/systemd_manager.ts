/**
 * A real systemd that manages one user's services, in namespaces and a control group of its own.
 *
 * @module
 */
import { deadline } from "@std/async/deadline";
import { join } from "@std/path";

import { isolatedEnv, ROOT } from "./agent_process.ts";
import { asProcessOne, childrenOf } from "./process_namespace.ts";

/** What one program said, and how it ended. */
export interface Said {
  readonly code: number;
  /** Both outputs. */
  readonly text: string;
}

/** A manager that runs until it is disposed. */
export interface SystemdManager extends AsyncDisposable {
  /** Home of the user, shared with the test. */
  readonly home: string;
  /** Runs `systemctl --user` in the manager's world. */
  systemctl(...args: readonly string[]): Promise<Said>;
  /** Runs the agent's binary there. */
  outpost(...args: readonly string[]): Promise<Said>;
  /** One property of a unit, as systemctl(1) shows it. */
  property(unit: string, name: string): Promise<string>;
  /** Signals a process by its number in the manager's world. */
  kill(pid: string, signal: string): Promise<void>;
}

/** Longest wait for the manager and for each program, in milliseconds. Only ends hangs. */
const HANG_MS = 120_000;
/** Where Debian keeps it: it is no program for people, and so on no PATH. */
const SYSTEMD = "/lib/systemd/systemd";
/** Where the user's sockets are. Fixed, as the manager looks there for itself. */
const RUNTIME = "/run/user/0";

/** Enters a new control group in systemd's own hierarchy, which becomes the root of what the next script sees. */
const ENTER = `
mkdir -p "$1/cgroups" && mount -t cgroup -o none,name=systemd cgroup "$1/cgroups"
mkdir "$1/cgroups/$2" && echo $$ >"$1/cgroups/$2/cgroup.procs"
shift 2; exec "$@"`;
/** Makes the file systems that systemd expects, then becomes it. Process 1, so that everything ends with it. */
const BOOT = `
mount -t tmpfs tmpfs /run && mkdir -p /run/systemd/system ${RUNTIME} && chmod 700 ${RUNTIME}
mount -t tmpfs tmpfs /sys/fs/cgroup && mkdir /sys/fs/cgroup/systemd
mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup/systemd
${SYSTEMD} --user & wait`;
/** Removes the control groups that are left. */
const LEAVE = `
mount -t cgroup -o none,name=systemd cgroup "$1/cgroups"
find "$1/cgroups/$2" -depth -type d -exec rmdir {} +`;

/** Whether this machine lets the test mount control groups and has systemd. */
export async function canManage(): Promise<boolean> {
  const script = `[ -x ${SYSTEMD} ] && mount -t cgroup -o none,name=systemd cgroup /sys/fs/cgroup`;
  const trial = new Deno.Command("unshare", { args: ["--mount", "sh", "-c", script], stderr: "null" });
  // Without the program there are no namespaces either.
  return (await trial.output().catch(() => undefined))?.success ?? false;
}

/** Starts a manager and waits until it answers. */
export async function startManager(): Promise<SystemdManager> {
  const home = await Deno.makeTempDir({ prefix: "outpost-systemd-" });
  const group = `outpost-test-${crypto.randomUUID()}`;
  const env = isolatedEnv(home, { XDG_RUNTIME_DIR: RUNTIME, SYSTEMD_LOG_LEVEL: "warning" });
  const within = { cwd: home, env, clearEnv: true, stdin: "null" } as const;
  const manager = new Deno.Command("unshare", {
    ...within,
    args: [
      ...["--mount", "sh", "-ec", ENTER, "sh", home, group],
      ...[...asProcessOne(), "--mount", "--cgroup", "sh", "-ec", BOOT],
    ],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const run = async (program: string, ...args: readonly string[]): Promise<Said> => {
    const [init] = childrenOf(manager.pid);
    const place = ["--target", String(init), "--mount", "--pid", "--cgroup"];
    const child = new Deno.Command("nsenter", {
      ...within,
      args: [...place, program, ...args],
      stdout: "piped",
      stderr: "piped",
    });
    const { code, stdout, stderr } = await deadline(child.output(), HANG_MS);
    return { code, text: new TextDecoder().decode(stdout) + new TextDecoder().decode(stderr) };
  };
  const systemctl = (...args: readonly string[]) => run("systemctl", "--user", "--no-pager", ...args);
  const world: SystemdManager = {
    home,
    systemctl,
    outpost: (...args) => run(Deno.execPath(), "run", "-A", "--no-prompt", join(ROOT, "main.ts"), ...args),
    property: async (unit, name) => (await systemctl("show", "--property", name, "--value", unit)).text.trim(),
    kill: async (pid, signal) => void await run("kill", "-s", signal, pid),
    async [Symbol.asyncDispose]() {
      // Process 1 of its world counts as ended when everybody in there has.
      const [init = manager.pid] = childrenOf(manager.pid);
      Deno.kill(init, "SIGKILL");
      await manager.status;
      await new Deno.Command("unshare", { args: ["--mount", "sh", "-c", LEAVE, "sh", home, group] }).output();
      await Deno.remove(home, { recursive: true });
    },
  };
  try {
    await deadline(answers(world), HANG_MS);
  } catch (error) {
    await world[Symbol.asyncDispose]();
    throw error;
  }
  return world;
}

async function answers({ systemctl }: SystemdManager): Promise<void> {
  while ((await systemctl("is-system-running").catch(() => undefined))?.text.trim() !== "running");
}
