import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";

import { FieldReader, FieldWriter } from "../wire_fields.ts";
import { MAX_HANDLES } from "./file_handles.ts";
import { OPEN, REPLY, REQUEST, STATUS } from "./protocol.ts";
import { serveSftp } from "./sftp_server.ts";

/** A session that is sent packets one by one, as a client would. */
async function session(directory: string, packets: readonly Uint8Array<ArrayBuffer>[]): Promise<Uint8Array[]> {
  const replies: Uint8Array[] = [];
  const input = ReadableStream.from(packets);
  await serveSftp(input, {
    directory,
    home: "/the/home",
    now: () => 0,
    send: (packet) => {
      replies.push(packet.slice(4));
      return Promise.resolve(true);
    },
  });
  return replies;
}

function packet(
  type: number,
  build: (writer: FieldWriter) => FieldWriter = (writer) => writer,
): Uint8Array<ArrayBuffer> {
  const writer = build(new FieldWriter().uint32(0).uint8(type));
  return writer.patchUint32(0, writer.length - 4).finish();
}

const INIT = packet(REQUEST.init, (writer) => writer.uint32(3));

function statusIn(reply: Uint8Array | undefined): { id: number; status: number; message: string } {
  const reader = new FieldReader(reply ?? new Uint8Array());
  assertEquals(reader.uint8(), REPLY.status);
  return { id: reader.uint32(), status: reader.uint32(), message: reader.text() };
}

async function inDirectory(fn: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.realPath(await Deno.makeTempDir());
  await fn(directory);
  await Deno.remove(directory, { recursive: true });
}

Deno.test("serveSftp() answers with its version and its extensions", async () => {
  const [reply] = await session("/", [INIT]);

  const reader = new FieldReader(reply!);
  assertEquals([reader.uint8(), reader.uint32(), reader.text(), reader.text()], [
    2,
    3,
    "posix-rename@openssh.com",
    "1",
  ]);
});

Deno.test("serveSftp() takes packets in whatever pieces they come", async () => {
  const whole = [...INIT, ...packet(REQUEST.realpath, (writer) => writer.uint32(5).text("."))];

  const replies = await session("/", whole.map((byte) => new Uint8Array([byte])));

  const reader = new FieldReader(replies[1]!);
  assertEquals([reader.uint8(), reader.uint32(), reader.uint32(), reader.text()], [REPLY.name, 5, 1, "/"]);
});

Deno.test("serveSftp() refuses a stream that ends within a packet, an empty packet and one that is too long", async () => {
  await assertRejects(() => session("/", [INIT.slice(0, 6)]), SyntaxError, "ended after 6 bytes");
  await assertRejects(() => session("/", [new Uint8Array(4)]), SyntaxError, "0 bytes");
  await assertRejects(() => session("/", [new Uint8Array([127, 0, 0, 0, 1])]), SyntaxError, "packet of");
});

Deno.test("serveSftp() refuses requests before the session is initialized", async () => {
  await assertRejects(() => session("/", [packet(REQUEST.stat, (writer) => writer.uint32(1).text("/"))]), SyntaxError);
});

Deno.test("serveSftp() answers what it does not know, and what is malformed, and goes on", async () => {
  const replies = await session("/", [
    INIT,
    packet(99, (writer) => writer.uint32(1)),
    packet(REQUEST.extended, (writer) => writer.uint32(2).text("no-such@example.org")),
    packet(REQUEST.stat, (writer) => writer.uint32(3).uint32(1000)),
    packet(REQUEST.read, (writer) => writer.uint32(4).text("no handle").uint64(0).uint32(1)),
    packet(REQUEST.close, (writer) => writer.uint32(5).text("no handle")),
  ]);

  const { unsupported, badMessage, failure } = STATUS;
  assertEquals(replies.slice(1).map((reply) => statusIn(reply).status), [
    unsupported,
    unsupported,
    badMessage,
    failure,
    failure,
  ]);
});

Deno.test("realpath resolves links and dots, and takes a path that is yet to be made", () =>
  inDirectory(async (directory) => {
    await Deno.mkdir(join(directory, "real"));
    await Deno.symlink("real", join(directory, "link"));
    const ask = async (path: string) => {
      const [, reply] = await session(directory, [INIT, packet(REQUEST.realpath, (w) => w.uint32(1).text(path))]);
      const reader = new FieldReader(reply!);
      return [reader.uint8(), reader.uint32(), reader.uint32(), reader.text()][3];
    };

    assertEquals(await ask("link/../link/./new/file"), `${directory}/real/new/file`);
    assertEquals(await ask(""), directory);
    assertEquals(await ask("../../../../../../.."), "/");
  }));

Deno.test("expand-path puts the home in the place of a tilde", async () => {
  const [, reply] = await session("/", [
    INIT,
    packet(REQUEST.extended, (writer) => writer.uint32(1).text("expand-path@openssh.com").text("~/x")),
  ]);

  assertStringIncludes(new TextDecoder().decode(reply), "/the/home/x");
});

Deno.test("rename refuses to replace, and posix-rename replaces", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "one"), "1");
    await Deno.writeTextFile(join(directory, "two"), "2");

    const replies = await session(directory, [
      INIT,
      packet(REQUEST.rename, (writer) => writer.uint32(1).text("one").text("two")),
      packet(REQUEST.extended, (writer) => writer.uint32(2).text("posix-rename@openssh.com").text("one").text("two")),
      packet(REQUEST.rename, (writer) => writer.uint32(3).text("two").text("three")),
    ]);

    assertEquals(replies.slice(1).map((reply) => statusIn(reply).status), [STATUS.failure, STATUS.ok, STATUS.ok]);
    assertEquals(await Deno.readTextFile(join(directory, "three")), "1");
  }));

Deno.test("open refuses directories, existing files when told to, and more handles than the limit", () =>
  inDirectory(async (directory) => {
    await Deno.writeTextFile(join(directory, "file"), "text");
    const open = (path: string, flags: number) =>
      packet(REQUEST.open, (w) => w.uint32(1).text(path).uint32(flags).uint32(0));
    const many = Array.from({ length: MAX_HANDLES + 1 }, () => open("file", OPEN.read));

    const refused = await session(directory, [
      INIT,
      open(".", OPEN.read),
      open("file", OPEN.write | OPEN.create | OPEN.exclusive),
    ]);
    const replies = await session(directory, [INIT, ...many]);

    assertEquals(refused.slice(1).map((reply) => statusIn(reply).status), [STATUS.failure, STATUS.failure]);
    assertStringIncludes(statusIn(replies.at(-1)).message, `${MAX_HANDLES} handles are open`);
    assertEquals(replies.at(-2)?.[0], REPLY.handle);
  }));

Deno.test("write appends, positions and truncates as the flags say, and read ends with the end of the file", () =>
  inDirectory(async (directory) => {
    const path = join(directory, "file");
    await Deno.writeTextFile(path, "0123456789");
    const write = (flags: number, offset: number, text: string) => [
      packet(REQUEST.open, (w) => w.uint32(1).text("file").uint32(flags).uint32(0)),
      packet(REQUEST.write, (w) => w.uint32(2).text("0").uint64(offset).text(text)),
    ];

    await session(directory, [INIT, ...write(OPEN.write, 3, "abc")]);
    assertEquals(await Deno.readTextFile(path), "012abc6789");
    await session(directory, [INIT, ...write(OPEN.write | OPEN.append, 0, "end")]);
    assertEquals(await Deno.readTextFile(path), "012abc6789end");
    await session(directory, [INIT, ...write(OPEN.write | OPEN.create | OPEN.truncate, 0, "new")]);
    assertEquals(await Deno.readTextFile(path), "new");

    const replies = await session(directory, [
      INIT,
      packet(REQUEST.open, (w) => w.uint32(1).text("file").uint32(OPEN.read).uint32(0)),
      packet(REQUEST.read, (w) => w.uint32(2).text("0").uint64(1).uint32(100)),
      packet(REQUEST.read, (w) => w.uint32(3).text("0").uint64(3).uint32(100)),
    ]);
    assertEquals(new TextDecoder().decode(replies[2]!.subarray(9)), "ew");
    assertEquals(statusIn(replies[3]).status, STATUS.endOfFile);
  }));

Deno.test("remove takes a link and not what it points to, and no directory", () =>
  inDirectory(async (directory) => {
    await Deno.mkdir(join(directory, "kept"));
    await Deno.symlink("kept", join(directory, "link"));

    const replies = await session(directory, [
      INIT,
      packet(REQUEST.rmdir, (writer) => writer.uint32(1).text("link")),
      packet(REQUEST.remove, (writer) => writer.uint32(2).text("kept")),
      packet(REQUEST.remove, (writer) => writer.uint32(3).text("link")),
    ]);

    assertEquals(replies.slice(1).map((reply) => statusIn(reply).status), [STATUS.failure, STATUS.failure, STATUS.ok]);
    assertEquals([...Deno.readDirSync(directory)].map(({ name }) => name), ["kept"]);
  }));
