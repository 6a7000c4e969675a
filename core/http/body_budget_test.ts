import { assertEquals, assertThrows } from "@std/assert";

import { HttpProblem } from "../errors.ts";
import { BodyBudget } from "./body_budget.ts";

Deno.test("BodyBudget refuses what all shares together may not hold, until one gives back", () => {
  const budget = new BodyBudget(100);
  const [first, second] = [budget.share(), budget.share()];
  first.add(60);
  second.add(40);

  const problem = assertThrows(() => first.add(1), HttpProblem);
  second.release();
  first.add(40);

  assertEquals([problem.status, problem.detail], [429, "100 bytes are being worked on and the limit is 100"]);
});

Deno.test("BodyBudget lets a request that is alone have more, and gives back once", () => {
  const budget = new BodyBudget(100);
  const alone = budget.share();
  alone.add(90);
  alone.add(90);

  assertThrows(() => budget.share().add(1), HttpProblem);
  alone.release();
  alone.release();

  const next = budget.share();
  next.add(100);
  assertThrows(() => budget.share().add(1), HttpProblem);
});
