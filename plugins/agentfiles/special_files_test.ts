import { assert, assertEquals, assertStringIncludes } from "@std/assert";

import { type Fixture, messageOf, startFiles } from "./_fixture.ts";

/** What no request may open: a pipe blocks until its other end comes, a device never ends. */
interface SpecialFile {
  readonly kind: string;
  make(folder: string): Promise<{ readonly path: string; readonly close?: () => void }>;
}

const SPECIAL: readonly SpecialFile[] = [
  {
    kind: "a named pipe",
    async make(folder) {
      const path = `${folder}/pipe`;
      await run("mkfifo", path);
      return { path };
    },
  },
  {
    kind: "a socket",
    make(folder) {
      const path = `${folder}/socket`;
      const listener = Deno.listen({ transport: "unix", path });
      return Promise.resolve({ path, close: () => listener.close() });
    },
  },
  { kind: "a character device", make: () => Promise.resolve({ path: "/dev/zero" }) },
  {
    kind: "a named pipe",
    async make(folder) {
      await run("mkfifo", `${folder}/pipe`);
      await Deno.symlink("pipe", `${folder}/link`);
      return { path: `${folder}/link` };
    },
  },
];

const REQUESTS: Readonly<Record<string, (agent: Fixture, path: string) => Promise<Response>>> = {
  "GET /read-file": (agent, path) => agent.get("read-file", { path }),
  "POST /write-file": (agent, path) => agent.post("write-file", "x", { path }),
  "POST /edit-files": (agent, path) =>
    agent.post("edit-files", { files: [{ path, edits: [{ search: "a", replace: "b" }] }] }),
};

for (const [name, request] of Object.entries(REQUESTS)) {
  for (const [index, { kind, make }] of SPECIAL.entries()) {
    Deno.test(`${name} refuses ${kind} without opening it${index === 3 ? ", also behind a link" : ""}`, async () => {
      await using agent = await startFiles();
      const { path, close } = await make(agent.folder);

      const response = await request(agent, path);

      close?.();
      assertEquals(response.status, 400);
      assertStringIncludes(await messageOf(response), `not a file: it is ${kind}`);
    });
  }
}

Deno.test("write-file and edit-files keep the old file and leave nothing behind when the disk is full", async (t) => {
  await using agent = await startFiles();
  const disk = `${agent.folder}/disk`;
  await Deno.mkdir(disk);
  if (!await mounted(t, ["-t", "tmpfs", "-o", "size=256k", "tmpfs", disk])) return;
  try {
    const path = `${disk}/a`;
    await Deno.writeTextFile(path, "old content");
    const big = new Uint8Array(1024 * 1024).fill(120);

    const written = await agent.post("write-file", big, { path });
    const edited = await agent.post("edit-files", {
      files: [{ path, edits: [{ search: "old", replace: "x".repeat(1024 * 1024) }] }],
    });

    for (const response of [written, edited]) {
      assertEquals(response.status, 500);
      const { message, code } = await response.json();
      assertStringIncludes(message, "no space left on the disk");
      assertEquals(code, "agentfiles_disk_full");
    }
    assertEquals(await Deno.readTextFile(path), "old content");
    assertEquals((await Array.fromAsync(Deno.readDir(disk))).map(({ name }) => name), ["a"]);
  } finally {
    await run("umount", disk);
  }
});

Deno.test("write-file and edit-files say that a file system is read-only", async (t) => {
  await using agent = await startFiles();
  const disk = `${agent.folder}/disk`;
  await Deno.mkdir(disk);
  await Deno.writeTextFile(`${disk}/a`, "old");
  if (!await mounted(t, ["--bind", disk, disk])) return;
  try {
    await run("mount", "-o", "remount,ro,bind", disk);
    const path = `${disk}/a`;

    const written = await agent.post("write-file", "new", { path });
    const created = await agent.post("write-file", "new", { path: `${disk}/new/b` });
    const edited = await agent.post("edit-files", { files: [{ path, edits: [{ search: "old", replace: "new" }] }] });

    for (const response of [written, created, edited]) {
      assertEquals(response.status, 500);
      assertStringIncludes(await messageOf(response), "read-only file system");
    }
    assertEquals(await Deno.readTextFile(path), "old");
  } finally {
    await run("umount", disk);
  }
});

/** Mounts, or says why this machine does not let us. */
async function mounted(t: Deno.TestContext, args: readonly string[]): Promise<boolean> {
  const { success, stderr } = await new Deno.Command("mount", { args: [...args] }).output();
  if (success) return true;
  const reason = new TextDecoder().decode(stderr).trim();
  await t.step({ name: `needs the right to mount: ${reason}`, ignore: true, fn() {} });
  return false;
}

async function run(program: string, ...args: readonly string[]): Promise<void> {
  const { success, stderr } = await new Deno.Command(program, { args: [...args] }).output();
  assert(success, `${program}: ${new TextDecoder().decode(stderr)}`);
}
