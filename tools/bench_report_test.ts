import { assertEquals, assertThrows } from "@std/assert";

import { figureTable, readFigures, withFigures } from "./bench_report.ts";

Deno.test("readFigures() reads lines of JSON, leaves others alone and works out the ratio", () => {
  const figures = readFigures(
    `warming up\n{"name":"start","value":90,"unit":"ms","floor":45}\n{"name":"n","value":1,"unit":"MB"}\n`,
  );

  assertEquals(figures, [
    { name: "start", value: 90, unit: "ms", floor: 45, ratio: 2 },
    { name: "n", value: 1, unit: "MB" },
  ]);
});

Deno.test("readFigures() refuses a figure without value or unit", () => {
  assertThrows(
    () => readFigures(`{"name":"start","value":null,"unit":"ms"}`),
    SyntaxError,
    "expected name, value and unit",
  );
});

Deno.test("figureTable() shows three significant digits and leaves unknown cells empty", () => {
  const table = figureTable([{ name: "start", value: 91.2345, unit: "ms", floor: 45, ratio: 2.02743, note: "p50" }, {
    name: "n",
    value: 12345,
    unit: "req/s",
  }]);

  assertEquals(
    table,
    `| What | Measured | Floor | Ratio | Note |
| --- | --- | --- | --- | --- |
| start | 91.2 ms | 45 ms | 2.03 | p50 |
| n | 12300 req/s |  |  |  |`,
  );
});

Deno.test("withFigures() replaces what stands between the markers, and only that", () => {
  const document = "# A\n<!-- figures: start -->\nold\n<!-- figures: end -->\nrest\n";

  assertEquals(
    withFigures(withFigures(document, "mid"), "new"),
    "# A\n<!-- figures: start -->\n\nnew\n\n<!-- figures: end -->\nrest\n",
  );
  assertThrows(() => withFigures("# A\n", "new"), SyntaxError, "figures: start");
});
