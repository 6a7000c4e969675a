import { assertEquals, assertThrows } from "@std/assert";

import { decodeRecords, encodeRecords, localRecord, withoutRecord, withRecord } from "./xauthority_records.ts";

const record = (display: number, cookie: string, host = "host") =>
  localRecord(host, display, {
    protocol: "MIT-MAGIC-COOKIE-1",
    cookie: Uint8Array.from(cookie.match(/../g) ?? [], (pair) => parseInt(pair, 16)),
  });

const ONE = "0100" + "0004686f7374" + "00023130" + "00124d49542d4d414749432d434f4f4b49452d31" + "000200ff";

Deno.test("encodeRecords() writes exactly what Xau(3) describes, and decodeRecords() reads it back", () => {
  const two = [record(10, "00ff"), record(11, "aabbcc")];

  const file = encodeRecords(two);

  assertEquals(encodeRecords(two.slice(0, 1)).toHex(), ONE);
  assertEquals(file.toHex(), ONE + ONE.replace("3130", "3131").replace("000200ff", "0003aabbcc"));
  assertEquals(decodeRecords(file), two);
  assertEquals(decodeRecords(new Uint8Array()), []);
});

Deno.test("decodeRecords() refuses a file that ends within a record, and says which", () => {
  const file = encodeRecords([record(10, "00ff"), record(11, "00ff")]);

  assertThrows(() => decodeRecords(file.subarray(0, file.length - 1)), SyntaxError, "record 2 is cut short");
  assertThrows(() => decodeRecords(new Uint8Array([1])), SyntaxError, "record 1 is cut short");
});

Deno.test("withRecord() replaces a cookie of the same length in its place", () => {
  const before = [record(10, "0000"), record(11, "1111"), record(12, "2222")];

  assertEquals(withRecord(before, record(11, "ffff")), [before[0]!, record(11, "ffff"), before[2]!]);
});

Deno.test("withRecord() puts a cookie of another length at the end, and the old one goes", () => {
  const before = [record(10, "0000"), record(11, "1111")];

  assertEquals(withRecord(before, record(10, "ffffff")), [before[1]!, record(10, "ffffff")]);
});

Deno.test("withRecord() leaves one of several records for the same display", () => {
  const before = [record(10, "00"), record(10, "1111"), record(10, "2222"), record(10, "0000", "other")];

  assertEquals(withRecord(before, record(10, "ffff")), [record(10, "ffff"), before[3]!]);
});

Deno.test("withoutRecord() takes out exactly the cookie, not one that has replaced it", () => {
  const before = [record(10, "0000"), record(11, "1111")];

  assertEquals(withoutRecord(before, record(10, "0000")), [before[1]!]);
  assertEquals(withoutRecord(before, record(10, "ffff")), before);
});
