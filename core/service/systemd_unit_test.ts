import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { type SystemdUnit, systemdUnit } from "./systemd_unit.ts";

const UNIT: SystemdUnit = {
  description: "Outpost",
  command: ["/usr/bin/true", "start"],
  reloadCommand: ["/usr/bin/true", "reload"],
  scope: "user",
};

Deno.test("systemdUnit() quotes words so that systemd passes them on as they are", () => {
  const command = ["/opt/my agent/outpost", "start", "--set", 'a="50%"', "$HOME", "back\\slash", "plain-1"];

  assertStringIncludes(
    systemdUnit({ ...UNIT, command }),
    String.raw`ExecStart="/opt/my agent/outpost" start --set "a=\"50%%\"" $$HOME "back\\slash" plain-1`,
  );
});

Deno.test("systemdUnit() of the machine names its user and a directory that only this user may enter", () => {
  const text = systemdUnit({ ...UNIT, scope: "system", user: "dev", runtimeDirectory: "outpost" });

  assertStringIncludes(text, "User=dev\nRuntimeDirectory=outpost\nRuntimeDirectoryMode=0700\n");
  assertStringIncludes(text, "WantedBy=multi-user.target");
  assertEquals(systemdUnit(UNIT).includes("User="), false);
});

const hasAnalyze = await new Deno.Command("sh", { args: ["-c", "command -v systemd-analyze"], stdout: "null" })
  .output().then(({ success }) => success);

Deno.test({
  name: "systemd-analyze finds nothing wrong with a unit of systemdUnit() (needs systemd)",
  ignore: !hasAnalyze,
  async fn() {
    const dir = await Deno.makeTempDir();
    try {
      for (const scope of ["user", "system"] as const) {
        const path = join(dir, `outpost-${scope}.service`);
        await Deno.writeTextFile(path, systemdUnit({ ...UNIT, scope, runtimeDirectory: "outpost" }));

        const { code, stderr } = await new Deno.Command("systemd-analyze", {
          args: ["verify", `--${scope}`, path],
          env: { XDG_RUNTIME_DIR: dir },
        }).output();

        const about = new TextDecoder().decode(stderr).split("\n").filter((line) => line.includes(path));
        assertEquals([code, about], [0, []], new TextDecoder().decode(stderr));
      }
    } finally {
      await Deno.remove(dir, { recursive: true });
    }
  },
});
