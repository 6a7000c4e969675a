import { assertEquals, assertThrows } from "@std/assert";

import { HttpProblem } from "../errors.ts";
import { BodyBudget } from "./body_budget.ts";

Deno.test("BodyBudget refuses what all shares together may not hold, until one gives back", () => {
  const budget = new BodyBudget(100);
  const [first, second] = [budget.share(), budget.share()];
  first.add(60);
  second.add(40);

  const problem = assertThrows(() => second.add(1), HttpProblem);
  first.release();
  second.add(60);

  assertEquals([problem.status, problem.detail], [429, "100 bytes are being worked on and the limit is 100"]);
});

Deno.test("BodyBudget lets the oldest have more, so that one of many gets through, and gives back once", () => {
  const budget = new BodyBudget(100);
  const [oldest, second] = [budget.share(), budget.share()];
  oldest.add(50);
  second.add(50);
  oldest.add(90);

  for (const other of [second, budget.share()]) assertThrows(() => other.add(1), HttpProblem);
  oldest.release();
  oldest.release();
  second.add(90);
  second.release();

  const next = budget.share();
  next.add(100);
  assertThrows(() => budget.share().add(1), HttpProblem);
});
