import { assertEquals, assertRejects } from "@std/assert";

import { openSideListener } from "./side_listener.ts";

async function ask(address: string, host?: string): Promise<readonly [number, string]> {
  const { hostname, port } = new URL(address);
  using connection = await Deno.connect({ hostname: hostname.replace(/^\[|\]$/g, ""), port: Number(port) });
  const head = `GET /x HTTP/1.1\r\nhost: ${host ?? new URL(address).host}\r\nconnection: close\r\n\r\n`;
  await connection.write(new TextEncoder().encode(head));
  const text = await new Response(connection.readable).text();
  return [Number(text.split(" ")[1]), text.split("\r\n\r\n")[1] ?? ""];
}

Deno.test("openSideListener() answers on loopback, and refuses what a web page of elsewhere would send", async () => {
  const failures: unknown[] = [];
  const listener = await openSideListener("127.0.0.1:0", {
    hosts: ["named.example"],
    answer: ({ url }) => new Response(new URL(url).pathname),
    failed: (error) => failures.push(error),
  });
  try {
    const { port } = new URL(listener.address);

    assertEquals((await ask(listener.address))[0], 200);
    assertEquals((await ask(listener.address, `localhost:${port}`))[0], 200);
    assertEquals((await ask(listener.address, "named.example"))[0], 200);
    assertEquals((await ask(listener.address, "evil.example"))[0], 403);
    assertEquals(failures, []);
  } finally {
    await listener.close();
  }
});

Deno.test("openSideListener() answers everybody where everybody can reach it", async () => {
  const listener = await openSideListener("0.0.0.0:0", {
    hosts: [],
    answer: () => new Response("ok"),
    failed: () => {},
  });

  assertEquals((await ask(listener.address.replace("0.0.0.0", "127.0.0.1"), "10.0.0.5:2112"))[0], 200);
  await listener.close();
});

Deno.test("openSideListener() answers 500 for what fails, and reports it", async () => {
  const failures: unknown[] = [];
  const listener = await openSideListener("[::1]:0", {
    hosts: [],
    answer: () => Promise.reject(new Error("no luck")),
    failed: (error) => failures.push(error),
  });

  assertEquals((await ask(listener.address))[0], 500);
  assertEquals(failures.map(String), ["Error: no luck"]);
  await listener.close();
});

Deno.test("openSideListener() says what is no address", async () => {
  for (const address of ["", "2112", ":2112", "127.0.0.1", "127.0.0.1:99999", "http://127.0.0.1:1"]) {
    await assertRejects(
      () => openSideListener(address, { hosts: [], answer: () => new Response(), failed: () => {} }),
      TypeError,
      `"${address}"`,
    );
  }
});

Deno.test("openSideListener() has a port that is let go while it opens", async () => {
  const other = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = other.addr;

  const opening = openSideListener(`127.0.0.1:${port}`, { hosts: [], answer: () => new Response(), failed: () => {} });
  other.close();

  const listener = await opening;
  assertEquals(listener.address, `http://127.0.0.1:${port}`);
  await listener.close();
});
