import { assertEquals } from "@std/assert";
import { join } from "@std/path";

import { Journal } from "./journal.ts";

async function folder(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "journal-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

function open(directory: string, maxBytes = 64 * 1024 * 1024): Promise<Journal> {
  return Journal.open({ directory, maxBytes });
}

const record = (text: string) => new TextEncoder().encode(text);

async function takeAll(journal: Journal, limit = Infinity): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < limit) {
    const bytes = await journal.read();
    if (bytes === undefined) break;
    texts.push(new TextDecoder().decode(bytes));
    await journal.advance();
  }
  return texts;
}

async function journalFiles(path: string): Promise<string[]> {
  const names = await Array.fromAsync(Deno.readDir(path), ({ name }) => name);
  return names.filter((name) => name.endsWith(".journal")).sort();
}

Deno.test("Journal gives records back in their order and removes what was read", async () => {
  await using at = await folder();
  const journal = await open(at.path);
  for (const text of ["one", "", "three"]) await journal.append(record(text));

  assertEquals(await takeAll(journal), ["one", "", "three"]);

  assertEquals([journal.isEmpty, await journalFiles(at.path)], [true, []]);
  await journal.append(record("four"));
  assertEquals(await takeAll(journal), ["four"]);
  await journal.close();
});

Deno.test("Journal reads a record again until it is told to go on", async () => {
  await using at = await folder();
  const journal = await open(at.path);
  await journal.append(record("one"));

  const texts = [await journal.read(), await journal.read()].map((bytes) => new TextDecoder().decode(bytes));

  assertEquals(texts, ["one", "one"]);
  await journal.close();
});

Deno.test("Journal goes on where it was closed, over many files", async () => {
  await using at = await folder();
  const big = "x".repeat(30_000);
  const texts = Array.from({ length: 40 }, (_, i) => `${i} ${big}`);
  const before = await open(at.path);
  for (const text of texts) await before.append(record(text));
  const first = await takeAll(before, 13);
  await before.close();

  const after = await open(at.path);
  const rest = await takeAll(after);

  assertEquals([...first, ...rest], texts);
  assertEquals([after.isEmpty, after.damaged], [true, 0]);
  await after.close();
});

Deno.test("Journal reads again what was read when the process was killed, and skips a record that was cut off", async () => {
  await using at = await folder();
  const killed = await open(at.path);
  for (const text of ["one", "two", "cut"]) await killed.append(record(text));
  await takeAll(killed, 1);
  await killed.close();
  await Deno.remove(join(at.path, "position.json"));
  const [name] = await journalFiles(at.path);
  const content = await Deno.readFile(join(at.path, name!));
  await Deno.writeFile(join(at.path, name!), content.subarray(0, content.length - 1));

  const journal = await open(at.path);

  assertEquals([await takeAll(journal), journal.damaged], [["one", "two"], 1]);
  await journal.close();
});

Deno.test("Journal stops at a record whose bytes have changed", async () => {
  await using at = await folder();
  const before = await open(at.path);
  for (const text of ["one", "two"]) await before.append(record(text));
  await before.close();
  const [name] = await journalFiles(at.path);
  const content = await Deno.readFile(join(at.path, name!));
  content[content.length - 1]! ^= 1;
  await Deno.writeFile(join(at.path, name!), content);

  const journal = await open(at.path);

  assertEquals([await takeAll(journal), journal.damaged], [["one"], 1]);
  await journal.close();
});

Deno.test("Journal refuses what is over its limit, and has room again when something was read", async () => {
  await using at = await folder();
  const journal = await open(at.path, 40);

  const kept = [await journal.append(record("0123456789")), await journal.append(record("0123456789"))];
  kept.push(await journal.append(record("0123456789")));
  await takeAll(journal, 1);
  kept.push(await journal.append(record("0123456789")));

  assertEquals([kept, journal.bytes], [[true, true, false, true], 36]);
  await journal.close();
});

Deno.test("prepend() puts records in front of what is left, and keeps to the limit", async () => {
  await using at = await folder();
  const journal = await open(at.path, 100);
  for (const text of ["read", "three", "four"]) await journal.append(record(text));
  await takeAll(journal, 1);

  const kept = await journal.prepend([record("one"), record("two"), record("x".repeat(100))]);
  await journal.close();

  const again = await open(at.path);
  assertEquals([kept, await takeAll(again)], [2, ["one", "two", "three", "four"]]);
  await again.close();
});

Deno.test("Journal carries out overlapping calls in their order", async () => {
  await using at = await folder();
  const journal = await open(at.path);
  const texts = Array.from({ length: 200 }, (_, i) => String(i));
  const taken: string[] = [];

  const appending = Promise.all(texts.map((text) => journal.append(record(text))));
  while (taken.length < texts.length) taken.push(...await takeAll(journal, 3));
  await appending;

  assertEquals(taken, texts);
  await journal.close();
});
