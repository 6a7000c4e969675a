import { assertEquals } from "@std/assert";

import { QueueBudget } from "./queue_budget.ts";

/** A queue that is counted, and whether it was cut. */
class Queue {
  queuedBytes = 0;
  wasCut = false;
  constructor(readonly budget: QueueBudget) {}

  change(bytes: number): void {
    this.queuedBytes += bytes;
    this.budget.changed(this, bytes);
  }
  cut(): void {
    this.wasCut = true;
    this.change(-this.queuedBytes);
  }
}

Deno.test("QueueBudget cuts whoever holds most when all together hold too much, and only then", () => {
  const budget = new QueueBudget(100);
  const queues = [new Queue(budget), new Queue(budget), new Queue(budget)];
  const [first, second, third] = queues as [Queue, Queue, Queue];
  first.change(30);
  second.change(50);
  third.change(20);
  assertEquals(queues.map(({ wasCut }) => wasCut), [false, false, false]);

  third.change(1);

  assertEquals(queues.map(({ wasCut, queuedBytes }) => [wasCut, queuedBytes]), [[false, 30], [true, 0], [false, 21]]);
});

Deno.test("QueueBudget counts what was given back no more, and cuts one that asks for too much alone", () => {
  const budget = new QueueBudget(100);
  const [drained, greedy] = [new Queue(budget), new Queue(budget)];
  drained.change(100);
  drained.change(-100);
  greedy.change(100);
  assertEquals([drained.wasCut, greedy.wasCut], [false, false]);

  greedy.change(1);

  assertEquals([drained.wasCut, greedy.wasCut], [false, true]);
});
