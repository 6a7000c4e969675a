import { assertEquals, assertRejects } from "@std/assert";

import { VirtualClock } from "../../core/testing/virtual_clock.ts";
import { listeners, PortCache, scanListeningPorts } from "./listening_ports.ts";

/** Reading `/proc` tells what this machine has; other systems have none. */
const onLinux = { ignore: Deno.build.os !== "linux" };

const TABLE = `  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1076 1 000000003c49a9a3 100 0 0 10 0
   1: 020200C0:E0BA 507100CB:0050 06 00000000:00000000 03:00000000 00000000     0        0 0 3 000000004e1ee6a1
   2: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 22 1 0000000000000000 100 0 0 10 0
`;

Deno.test("listeners() reads ports and sockets of those who listen from the kernel's table", () => {
  assertEquals(listeners(TABLE), [{ port: 8080, inode: "1076" }, { port: 22, inode: "22" }]);
  assertEquals(listeners(TABLE.replace("0100007F", "00000000000000000000000001000000"))[0], {
    port: 8080,
    inode: "1076",
  });
});

Deno.test("scanListeningPorts() finds a listener with its program", onLinux, async () => {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;

  const found = (await scanListeningPorts({ includeIpv6: false })).filter((each) => each.port === port);

  assertEquals(found.map(({ pid, processName }) => [pid, processName]), [[Deno.pid, "deno"]]);
});

Deno.test("scanListeningPorts() finds listeners on IPv6 addresses when asked to", async () => {
  const root = await Deno.makeTempDir();
  await Deno.mkdir(`${root}/net`);
  await Deno.writeTextFile(`${root}/net/tcp`, TABLE);
  const wide = TABLE.replaceAll("0100007F", "0".repeat(32)).replaceAll("1F90", "0BB8");
  await Deno.writeTextFile(`${root}/net/tcp6`, wide);
  const ports = async (includeIpv6: boolean) =>
    (await scanListeningPorts({ root, includeIpv6 })).map(({ port }) => port);

  assertEquals([await ports(false), await ports(true)], [[8080, 22], [8080, 22, 3000]]);
  await Deno.remove(root, { recursive: true });
});

Deno.test(
  "scanListeningPorts() lists each port once, and those of other users without a program",
  onLinux,
  async () => {
    const root = await Deno.makeTempDir();
    await Deno.mkdir(`${root}/net`);
    const twice = TABLE + TABLE.split("\n")[1]!.replace("0100007F", "0200007F").replace("1076", "1077");
    await Deno.writeTextFile(`${root}/net/tcp`, twice);
    await Deno.mkdir(`${root}/42/fd`, { recursive: true });
    await Deno.writeTextFile(`${root}/42/comm`, "server\n");
    await Deno.symlink("socket:[1076]", `${root}/42/fd/3`);

    const ports = await scanListeningPorts({ root, includeIpv6: true });

    assertEquals(ports, [{ port: 8080, pid: 42, processName: "server" }, { port: 22, processName: "" }]);
    await Deno.remove(root, { recursive: true });
  },
);

Deno.test("scanListeningPorts() fails when there is no table of sockets", async () => {
  await assertRejects(() => scanListeningPorts({ root: "/nowhere", includeIpv6: false }), Deno.errors.NotFound);
});

Deno.test("PortCache uses a scan again for its time, also by those who ask during it, and forgets a failed one", async () => {
  const clock = new VirtualClock(0);
  let scans = 0;
  let failure: Error | undefined;
  const cache = new PortCache({
    clock,
    cacheMs: 1000,
    scan: () => {
      scans++;
      return failure === undefined ? Promise.resolve([{ port: scans, processName: "" }]) : Promise.reject(failure);
    },
  });
  const port = async () => (await cache.ports())[0]?.port;

  assertEquals(await Promise.all([port(), port()]), [1, 1]);
  await clock.advance(999);
  assertEquals(await port(), 1);
  await clock.advance(1);
  assertEquals(await port(), 2);
  await clock.advance(1000);
  failure = new Error("no table");
  await assertRejects(port, Error, "no table");
  failure = undefined;
  assertEquals(await port(), 4);
});

Deno.test("PortCache scans again after its time when the machine's clock was set back", async () => {
  const clock = new VirtualClock(0);
  let scans = 0;
  const scan = () => Promise.resolve([{ port: ++scans, processName: "" }]);
  const cache = new PortCache({ clock, cacheMs: 1000, scan });
  await cache.ports();

  clock.jump(-3_600_000);
  await clock.advance(1000);
  await cache.ports();

  assertEquals(scans, 2);
});
