import { assertEquals } from "@std/assert";

import { acceptAll } from "./accept_all.ts";

Deno.test("acceptAll() goes on after it could not accept, says so once, and ends with the listener", async () => {
  const steps: (string | Error)[] = [
    ...["one", new Error("Too many open files"), new Error("Too many open files")],
    ...["two", new Error("out of memory"), new Deno.errors.BadResource("Listener has been closed")],
  ];
  const [taken, failures]: [string[], string[]] = [[], []];
  const listener = {
    accept: () => {
      const step = steps.shift();
      return typeof step === "string" ? Promise.resolve(step) : Promise.reject(step);
    },
  };

  await acceptAll(listener, (connection) => taken.push(connection), (error) => failures.push(String(error)));

  assertEquals(taken, ["one", "two"]);
  assertEquals(failures, ["Error: Too many open files", "Error: out of memory"]);
});

Deno.test("acceptAll() ends when a listener is closed while it waits", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const failures: unknown[] = [];
  const accepting = acceptAll(listener, () => {}, (error) => failures.push(error));

  listener.close();
  await accepting;
  await acceptAll(listener, () => {}, (error) => failures.push(error));

  assertEquals(failures, []);
});
