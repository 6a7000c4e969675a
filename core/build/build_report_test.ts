import { assertEquals } from "@std/assert";

import { type BuildReport, buildReport, licenceOf } from "./build_report.ts";

const REPORT: BuildReport = {
  name: "outpost",
  version: "1.2.3",
  target: "linux x86_64",
  deno: "2.9.6",
  sizes: { bytes: 122_249_999, gzipBytes: 41_676_157, zstdBytes: 38_458_526 },
  plugins: [
    { id: "ssh", version: "1.0.0", stability: "beta", permissions: { run: true, sys: ["uid", "hostname"] } },
    { id: "mcp", version: "0.1.0", stability: "experimental" },
  ],
  modules: ["plugins/ssh", "core", "plugins/ssh", "main.ts"].map((origin) => ({ origin })),
  packages: [
    { name: "zod", version: "4.6.7", licence: "MIT" },
    { name: "hono", version: "4.13.19", licence: "MIT" },
    { name: "wrappy", version: "1.0.2", licence: "ISC" },
  ],
};

Deno.test("buildReport() tells plugins with permissions, modules by origin, packages with licences, and sizes", () => {
  assertEquals(
    buildReport(REPORT),
    `outpost 1.2.3 for linux x86_64, on Deno 2.9.6
Size: 122.2 MB; with gzip 41.7 MB, with zstd 38.5 MB

Plugins: 2
  mcp  0.1.0  experimental  none
  ssh  1.0.0  beta          run sys=hostname,uid

Modules: 4
  core         1
  main.ts      1
  plugins/ssh  2

Licences of the 3 packages from npm
  ISC  1
  MIT  2

Packages from npm: 3
  hono    4.13.19  MIT
  wrappy  1.0.2    ISC
  zod     4.6.7    MIT
`,
  );
});

Deno.test("buildReport() does not depend on the order in which things were found", () => {
  const { plugins, modules, packages } = REPORT;
  const reversed = {
    ...REPORT,
    plugins: plugins.toReversed(),
    modules: modules.toReversed(),
    packages: packages.toReversed(),
  };

  assertEquals(buildReport(reversed), buildReport(REPORT));
});

Deno.test("licenceOf() reads every form that package.json files have, and says when there is none", () => {
  const manifests = [
    { license: "MIT" },
    { license: { type: "ISC", url: "http://localhost" } },
    { licenses: [{ type: "MIT" }, { type: "Apache-2.0" }] },
    { license: "" },
    {},
  ];

  assertEquals(manifests.map(licenceOf), ["MIT", "ISC", "MIT OR Apache-2.0", "not stated", "not stated"]);
});
