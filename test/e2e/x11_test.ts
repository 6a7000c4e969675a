/**
 * Graphical programs of the workspace on the screen of an SSH client: OpenSSH in front of an X server.
 *
 * @module
 */
import { assert, assertEquals, assertMatch, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { createTestAgent } from "../../core/testing/mod.ts";
import ssh from "../../plugins/ssh/mod.ts";
import x11 from "../../plugins/x11/mod.ts";
import { hasProgram, type SshAgent, startSshAgent } from "../ssh_agent.ts";
import { startXvfb, type Xvfb } from "../xvfb.ts";

const PROGRAMS = ["ssh", "Xvfb", "xauth", "xdpyinfo", "xclock", "xwd"];
const missing = PROGRAMS.filter((program) => !hasProgram(program));
/** Nothing else on the screen has it. */
const COLOR = 0x12ab34;

function withScreen(name: string, fn: (agent: SshAgent, screen: Xvfb) => Promise<void>, displays = 100): void {
  Deno.test({
    name: missing.length > 0 ? `${name} (skipped: no program ${missing.join(", ")})` : name,
    ignore: missing.length > 0,
    fn: async () => {
      await using screen = await startXvfb();
      // Somewhere else at each run, so that runs beside each other do not meet; below the ports that the system hands out.
      const displayOffset = 2000 + Math.floor(Math.random() * 23_000);
      await using agent = await startSshAgent({
        plugins: [x11],
        pluginConfig: { x11: { displayOffset, maxPort: 6000 + displayOffset + displays - 1 } },
      });
      await fn(agent, screen);
    },
  });
}

function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

for (const flag of ["-X", "-Y"]) {
  withScreen(`xdpyinfo and xclock through ssh ${flag} reach the client's screen`, async (agent, screen) => {
    const info = await agent.ssh("echo $DISPLAY; xdpyinfo", { flags: [flag], env: screen.env });

    assertEquals([info.code, info.err], [0, ""]);
    assertMatch(info.out, /^localhost:\d{4,}\.0\n/);
    assertStringIncludes(info.out, "dimensions:    640x480 pixels");

    assertEquals((await screen.screenshot()).count(COLOR), 0);
    const clock = agent.spawn(
      ["ssh", flag, "workspace", `exec xclock -digital -strftime x -geometry 200x100+40+30 -bg '#12ab34'`],
      { env: screen.env },
    );
    // The face, less a letter, whether or not there is a border.
    while ((await screen.screenshot()).count(COLOR) < 15_000) await turn();
    clock.kill("SIGTERM");
    await Promise.all([clock.stdout.cancel(), clock.stderr.cancel(), clock.stdin.close(), clock.status]);
    while ((await screen.screenshot()).count(COLOR) > 0) await turn();

    while (await agent.agent.metric("agent_x11_displays") !== 0) await turn();
    const kept = await new Deno.Command("xauth", { args: ["-f", join(agent.home, ".Xauthority"), "list"] }).output();
    assertEquals(new TextDecoder().decode(kept.stdout), "");
    assertEquals(await agent.agent.metric("agent_x11_refused_connections_total", { reason: "cookie" }) ?? 0, 0);
  });
}

withScreen("a program with a wrong cookie is refused here, before the client hears of it", async (agent, screen) => {
  const wrong = "xauth -q -f other add $DISPLAY . 00112233445566778899aabbccddeeff; XAUTHORITY=other xdpyinfo";

  const { code, err } = await agent.ssh(wrong, { flags: ["-Y"], env: screen.env });

  assertEquals(code, 1);
  assertStringIncludes(err, "The cookie for this display is missing or wrong");
  assertEquals(await agent.agent.metric("agent_x11_refused_connections_total", { reason: "cookie" }), 1);
});

withScreen(
  "sessions keep their displays until the ports run out, then the one used least goes",
  async (agent, screen) => {
    const shells = [];
    for (let n = 0; n < 5; n++) shells.push(await openShell(agent, screen));
    const displays = shells.map(({ display }) => display);
    assertEquals(new Set(displays).size, 5);
    // The first is used again, so the second is the one used least recently.
    assertStringIncludes(await shells[0]!.say("xdpyinfo 2>&1"), "640x480");

    const last = await openShell(agent, screen);

    assertEquals(last.display, displays[1]);
    assertEquals((await shells[1]!.ended).code, 255);
    for (const shell of [shells[0]!, shells[2]!, last]) {
      assertStringIncludes(await shell.say("xdpyinfo 2>&1"), "640x480");
    }
    for (const shell of [shells[0]!, ...shells.slice(2), last]) assertEquals((await shell.end()).code, 0);
  },
  5,
);

Deno.test({
  name: "without the plugin a client that wants X11 is told that there is none, and its session goes on",
  ignore: !hasProgram("ssh") || !hasProgram("xauth"),
  fn: async () => {
    await using agent = await startSshAgent();

    const { code, out, err } = await agent.ssh('echo "[$DISPLAY]"', {
      flags: ["-Y", "-o", "LogLevel=INFO"],
      env: { DISPLAY: ":77" },
    });

    assertEquals([code, out], [0, "[]\n"]);
    assertStringIncludes(err, "X11 forwarding request failed");
    await assertRejects(() => Deno.stat(join(agent.home, ".Xauthority")), Deno.errors.NotFound);
  },
});

withScreen("a session whose display cannot be had ends with status 1 and the reason", async (agent, screen) => {
  await Deno.writeTextFile(join(agent.home, ".Xauthority"), "my diary");

  const { code, err } = await agent.ssh("echo never", { flags: ["-Y"], env: screen.env });

  assertEquals(code, 1);
  assertMatch(err, /outpost: Cannot forward X11: Cannot use ".*Xauthority": record 1 is cut short/);
  assertEquals(await Deno.readTextFile(join(agent.home, ".Xauthority")), "my diary");
});

Deno.test("while ssh is off the plugin is skipped, and says why", async () => {
  await using agent = await createTestAgent({ plugins: [ssh, x11] });

  const { state, reason } = agent.status("x11");

  assertEquals([state, reason], ["skipped", 'needs "ssh/x11-requests" of plugin "ssh", which is disabled']);
});

interface Shell {
  readonly display: string;
  /** Runs a line, and resolves to what it wrote. */
  say(line: string): Promise<string>;
  readonly ended: Promise<Deno.CommandStatus>;
  end(): Promise<Deno.CommandStatus>;
}

/** A shell that stays open. */
async function openShell(agent: SshAgent, screen: Xvfb): Promise<Shell> {
  const child = agent.spawn(["ssh", "-Y", "workspace"], { env: screen.env });
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const writer = child.stdin.getWriter();
  const errors = child.stderr.cancel();
  async function say(line: string): Promise<string> {
    await writer.write(new TextEncoder().encode(`${line}\necho '<done>'\n`));
    let said = "";
    while (!said.includes("<done>")) {
      const { done, value } = await reader.read();
      assert(!done, `the shell ended after: ${said}`);
      said += value;
    }
    return said;
  }
  const ended = child.status.then(async (status) => {
    await Promise.all([reader.cancel(), errors, writer.close().catch(() => {})]); // It has ended.
    return status;
  });
  const display = (await say("echo $DISPLAY")).split("\n")[0]!;
  async function end(): Promise<Deno.CommandStatus> {
    await writer.close();
    return await ended;
  }
  return { display, say, ended, end };
}
