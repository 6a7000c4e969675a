import { assertEquals } from "@std/assert";

import { DisplayPorts, type PortsOwner } from "./display_ports.ts";

/** An owner that keeps who came to it, and answers nobody. */
class FakeOwner implements PortsOwner {
  readonly came: Deno.TcpConn[] = [];
  readonly #ended = Promise.withResolvers<void>();
  readonly ended = this.#ended.promise;
  isTold = false;
  #next = Promise.withResolvers<void>();

  connected(socket: Deno.TcpConn): void {
    this.came.push(socket);
    socket.close();
    this.#next.resolve();
    this.#next = Promise.withResolvers();
  }

  closed(): void {
    this.isTold = true;
    this.#ended.resolve();
  }

  failed(error: unknown): void {
    throw error;
  }

  next(): Promise<void> {
    return this.#next.promise;
  }
}

Deno.test("DisplayPorts hand each program to whose they are then, and tell that one alone of their end", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const ports = new DisplayPorts(10, [listener]);
  const [first, second] = [new FakeOwner(), new FakeOwner()];
  async function connect(owner: FakeOwner): Promise<void> {
    const came = owner.next();
    using _program = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
    await came;
  }

  ports.belongTo(first);
  await connect(first);
  ports.belongTo(second);
  await connect(second);
  await connect(second);
  ports.close();
  ports.close();
  await second.ended;

  assertEquals([first.came.length, second.came.length], [1, 2]);
  assertEquals([first.isTold, ports.isClosed], [false, true]);
});
