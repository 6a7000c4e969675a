import { assertEquals } from "@std/assert";

import fc from "fast-check";

import { PathStore, type TouchedPaths } from "./path_store.ts";

const PARENT = "11111111-1111-4111-8111-111111111111";
const CHILD = "22222222-2222-4222-8222-222222222222";
const NIL = "00000000-0000-0000-0000-000000000000";

/** The value that is there now; a pending one is available without anything else happening. */
async function current(store: PathStore, chat: string): Promise<readonly string[]> {
  const watcher = store.watch(chat, new AbortController().signal);
  const { value } = await watcher.next();
  await watcher.return?.();
  return value.all;
}

Deno.test("touched() stores paths for the chat and its ancestors", async () => {
  const store = new PathStore();

  store.touched([CHILD, PARENT], ["/repo/a"]);

  assertEquals(await current(store, CHILD), ["/repo/a"]);
  assertEquals(await current(store, PARENT), ["/repo/a"]);
  assertEquals(store.size, 2);
});

Deno.test("touched() skips nil and empty chat ids", () => {
  const store = new PathStore();

  store.touched([NIL, ""], ["/repo/a"]);

  assertEquals(store.size, 0);
});

Deno.test("touched() treats a chat id in upper case as the same chat", async () => {
  const store = new PathStore();

  store.touched([CHILD.toUpperCase().replaceAll("2", "a")], ["/repo/a"]);

  assertEquals(await current(store, CHILD.replaceAll("2", "A")), ["/repo/a"]);
});

Deno.test("touched() forgets the path touched longest ago when a chat has too many", async () => {
  const store = new PathStore({ maxPathsPerChat: 2 });

  store.touched([CHILD], ["/a", "/b"]);
  store.touched([CHILD], ["/a"]);
  store.touched([CHILD], ["/c"]);

  assertEquals(await current(store, CHILD), ["/a", "/c"]);
});

Deno.test("watch() yields paths sorted and without duplicates", async () => {
  const store = new PathStore();

  store.touched([CHILD], ["/b", "/a", "/b"]);
  store.touched([CHILD], ["/a"]);

  assertEquals(await current(store, CHILD), ["/a", "/b"]);
});

Deno.test("watch() yields an empty list for a chat that touched nothing", async () => {
  assertEquals(await current(new PathStore(), CHILD), []);
});

Deno.test("watch() yields again after every touch, with what is new", async () => {
  const store = new PathStore();
  const watcher = store.watch(CHILD, new AbortController().signal);
  await watcher.next();

  const waiting = watcher.next();
  store.touched([CHILD], ["/a"]);
  const first = await waiting;
  store.touched([CHILD], ["/b"]);
  const second = await watcher.next();

  assertEquals(first.value, { all: ["/a"], latest: ["/a"] });
  assertEquals(second.value, { all: ["/a", "/b"], latest: ["/b"] });
  await watcher.return?.();
});

Deno.test("watch() yields for a path that is known already", async () => {
  const store = new PathStore();
  store.touched([CHILD], ["/a"]);
  const watcher = store.watch(CHILD, new AbortController().signal);
  await watcher.next();

  store.touched([CHILD], ["/a"]);

  assertEquals((await watcher.next()).value, { all: ["/a"], latest: ["/a"] });
  await watcher.return?.();
});

Deno.test("watch() is woken without new paths by an empty touch", async () => {
  const store = new PathStore();
  const watcher = store.watch(PARENT, new AbortController().signal);
  await watcher.next();

  store.touched([CHILD, PARENT, NIL], []);

  assertEquals((await watcher.next()).value, { all: [], latest: [] });
  assertEquals(store.size, 0);
  await watcher.return?.();
});

Deno.test("watch() joins touches that come while the reader is busy", async () => {
  const store = new PathStore();
  const controller = new AbortController();
  const watcher = store.watch(CHILD, controller.signal);
  await watcher.next();

  for (let i = 0; i < 100; i++) store.touched([CHILD], [`/${i % 3}`]);
  const joined = await watcher.next();
  const waiting = watcher.next();
  controller.abort();

  assertEquals(joined.value, { all: ["/0", "/1", "/2"], latest: ["/0", "/1", "/2"] });
  assertEquals((await waiting).done, true);
});

Deno.test("watch() serves several watchers of one chat, and none of another chat", async () => {
  const store = new PathStore();
  const signal = new AbortController().signal;
  const [one, two, other] = [store.watch(CHILD, signal), store.watch(CHILD, signal), store.watch(PARENT, signal)];
  for (const watcher of [one, two, other]) await watcher.next();
  let otherWoke = false;
  const sleeping = other.next().then((result) => otherWoke = !result.done);

  store.touched([CHILD], ["/a"]);
  const woken = [await one.next(), await two.next()];
  for (const watcher of [one, two, other]) await watcher.return?.();
  await sleeping;

  assertEquals(woken.map((result) => result.value.all), [["/a"], ["/a"]]);
  assertEquals(otherWoke, false);
});

Deno.test("watch() unsubscribes when the signal aborts and when the reader stops", async () => {
  const store = new PathStore();
  const controller = new AbortController();
  const byAbort = store.watch(CHILD, controller.signal);
  const byReader = store.watch(CHILD, new AbortController().signal);
  const before = store.watchers;

  controller.abort();
  for await (const _ of byReader) break;
  store.touched([CHILD], ["/a"]);

  assertEquals([before, store.watchers], [2, 0]);
  assertEquals((await byAbort.next()).done, true);
});

Deno.test("watch() on an aborted signal yields nothing and holds nothing", async () => {
  const store = new PathStore();

  const watcher = store.watch(CHILD, AbortSignal.abort());

  assertEquals((await watcher.next()).done, true);
  assertEquals(store.watchers, 0);
});

Deno.test("watch() loses no touch in any interleaving of touching, subscribing and reading", async () => {
  const runs = Math.round(10_000 * Number(Deno.env.get("OUTPOST_TEST_SCALE") ?? "1"));

  await fc.assert(
    fc.asyncProperty(
      fc.scheduler(),
      fc.array(fc.constantFrom("/a", "/b", "/c"), { maxLength: 4 }),
      async (s, paths) => {
        const store = new PathStore();
        const controller = new AbortController();
        let seen: TouchedPaths | undefined;
        let wakeAfterLastTouch = false;
        const reader = s.schedule(Promise.resolve()).then(async () => {
          for await (const value of store.watch(CHILD, controller.signal)) {
            seen = value;
            wakeAfterLastTouch = touches === paths.length;
            await s.schedule(Promise.resolve());
          }
        });
        let touches = 0;
        for (const path of paths) {
          s.schedule(Promise.resolve()).then(() => {
            touches++;
            store.touched([CHILD], [path]);
          });
        }

        await s.waitIdle();
        controller.abort();
        await reader;

        assertEquals(seen?.all, [...new Set(paths)].sort());
        assertEquals(wakeAfterLastTouch, true);
      },
    ),
    { numRuns: runs },
  );
});

Deno.test("PathStore forgets the chat that touched something longest ago when there are too many", async () => {
  const store = new PathStore({ maxChats: 2 });
  const chats = Array.from({ length: 3 }, () => crypto.randomUUID());

  store.touched([chats[0]!], ["/a"]);
  store.touched([chats[1]!], ["/b"]);
  store.touched([chats[0]!], ["/c"]);
  store.touched([chats[2]!], ["/d"]);

  assertEquals(store.size, 2);
  assertEquals(await current(store, chats[0]!), ["/a", "/c"]);
  assertEquals(await current(store, chats[1]!), []);
});
