/**
 * The native driver on a real X server: what each action does, seen by other programs.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";
import { decodeBase64 } from "@std/encoding/base64";

import { missingPrograms, openRealDesktop, type RealDesktop } from "../fixtures/real_desktop.ts";

const PROGRAMS = ["Xvnc", "openbox", "xdotool", "xev", "xwininfo", "xterm", "import", "convert"];
const missing = missingPrograms(...PROGRAMS);

function desktopTest(name: string, fn: (desktop: RealDesktop) => Promise<void>, config = {}): void {
  Deno.test({
    name: missing.length === 0 ? name : `${name} (skipped: no program ${missing.join(", ")})`,
    ignore: missing.length > 0,
    async fn() {
      await using desktop = await openRealDesktop(config);
      await fn(desktop);
    },
  });
}

/** The screen through ImageMagick's `import`, as rows of red, green and blue. */
async function screen({ run }: RealDesktop): Promise<Uint8Array> {
  return await run("import", "-window", "root", "-depth", "8", "rgb:-");
}

async function pixelsOf(desktop: RealDesktop, data: string): Promise<Uint8Array> {
  const file = await Deno.makeTempFile({ suffix: ".png" });
  try {
    await Deno.writeFile(file, decodeBase64(data));
    return await desktop.run("convert", file, "-depth", "8", "rgb:-");
  } finally {
    await Deno.remove(file);
  }
}

/** What `xev` reports: `ButtonPress 1 400,400`, `MotionNotify 0x100 …`, `KeyPress F5 0x0`. */
function eventsOf(output: string): string[] {
  return output.split("\n\n").flatMap((block) => {
    const find = (pattern: RegExp) => pattern.exec(block)?.[1] ?? "";
    const type = find(/^(\w+) event/m);
    const [at, state] = [find(/root:\((\d+,\d+)\)/), find(/state (\w+)/)];
    if (type.startsWith("Button")) return [`${type} ${find(/button (\d+)/)} ${at}`];
    if (type.startsWith("Key") && type !== "KeymapNotify") {
      return [`${type} ${find(/keysym 0x\w+, ([^)]+)\)/)} ${state}`];
    }
    return type === "" ? [] : [`${type} ${state} ${at}`];
  });
}

/** A window of `xev` over most of the screen, which reports what reaches it. */
async function openXev(desktop: RealDesktop) {
  const events = ["keyboard", "button", "mouse", "focus"].flatMap((kind) => ["-event", kind]);
  const xev = desktop.start("xev", "-geometry", "1000x700+0+0", ...events);
  let seen = 0;
  /** Resolves when these events have come after those before, in this order, others in between. */
  async function until(...wanted: readonly string[]): Promise<readonly string[]> {
    let end = 0;
    const output = await xev.until(wanted.join(", "), (text) => {
      const found = eventsOf(text).slice(seen);
      end = 0;
      return wanted.every((event) => (end = found.indexOf(event, end) + 1) > 0);
    });
    const part = eventsOf(output).slice(seen, seen + end);
    seen += end;
    return part;
  }
  await xev.until("the window", (text) => text.includes("EnterNotify")); // The pointer is in the middle of the screen.
  await desktop.act({ action: "left_click", coordinate: [300, 300] });
  await until("ButtonRelease 1 300,300");
  await xev.until("the focus", (text) => text.includes("FocusIn"));
  return { until };
}

/** A terminal whose lines go to a file, and that has begun to read. */
async function openTerminal(desktop: RealDesktop, file: string): Promise<void> {
  desktop.start("xterm", "-u8", "-geometry", "100x30+100+100", "-e", "sh", "-c", `: >'${file}'; exec cat >'${file}'`);
  await desktop.run("xdotool", "windowfocus", "--sync", await desktop.window("xterm"));
  await desktop.act({ action: "type", text: "ready 漢\n" }); // Its fonts are loaded then.
  await fileWith(file, "ready 漢\n");
}

async function fileWith(file: string, text: string): Promise<string> {
  // deno-lint-ignore outpost/no-sleep -- another program writes the file; each look is cheap, and the test's own limit ends it
  for (let look = 0; look < 500; look++, await new Promise((resolve) => setTimeout(resolve, 20))) {
    const content = await Deno.readTextFile(file).catch(() => "");
    if (content.includes(text)) return content;
  }
  return await Deno.readTextFile(file);
}

desktopTest("a screenshot has exactly the pixels that import sees", async (desktop) => {
  desktop.start("xterm", "-geometry", "80x24+200+150", "-e", "sh", "-c", "echo hello; exec cat");
  await desktop.window("xterm");
  let [own, theirs]: Uint8Array[] = [];
  for (let look = 0; look < 20; look++) { // A cursor may blink in between.
    own = await pixelsOf(desktop, (await desktop.act({ action: "screenshot" })).screenshot_data!);
    theirs = await screen(desktop);
    if (own.every((value, index) => value === theirs![index])) break;
  }

  assertEquals([own!.length, theirs!.length], [1920 * 1080 * 3, 1920 * 1080 * 3]);
  assertEquals(own!.findIndex((value, index) => value !== theirs![index]), -1);
});

desktopTest("a 16 bit screen is seen in its true colours", async (desktop) => {
  await desktop.run("xdotool", "mousemove", "5", "5");
  const own = await pixelsOf(desktop, (await desktop.act({ action: "screenshot" })).screenshot_data!);

  const theirs = await screen(desktop);
  assertEquals(own.length, theirs.length);
  assertEquals(
    own.findIndex((value, index) => Math.abs(value - theirs[index]!) > 1),
    -1,
    "rounded differently at most",
  );
}, { geometry: "641x480", depth: 16 });

desktopTest("JPEG, WebP and zoom are pictures of their kind and size", async (desktop) => {
  for (const [format, media] of [["jpeg", "JPEG"], ["webp", "WEBP"]] as const) {
    const answer = await desktop.act({
      action: "screenshot",
      format,
      quality: 60,
      scaled_width: 960,
      scaled_height: 540,
    });
    const file = await Deno.makeTempFile({ suffix: `.${format}` });
    await Deno.writeFile(file, decodeBase64(answer.screenshot_data!));
    const told = new TextDecoder().decode(await desktop.run("identify", "-format", "%m %wx%h", file));
    await Deno.remove(file);

    assertEquals([answer.screenshot_type, told], [`image/${format}`, `${media} 960x540`]);
  }
  const zoomed = await desktop.act({
    action: "zoom",
    region: [0, 0, 200, 100],
    scaled_width: 1280,
    scaled_height: 720,
  });

  assertEquals([zoomed.screenshot_width, zoomed.screenshot_height], [1280, 640]);
});

desktopTest("the pointer goes where it is told, and says where it is", async (desktop) => {
  await desktop.act({ action: "mouse_move", coordinate: [640, 360], scaled_width: 1280, scaled_height: 720 });
  const seen = new TextDecoder().decode(await desktop.run("xdotool", "getmouselocation"));
  await desktop.run("xdotool", "mousemove", "123", "45");

  assertMatch(seen, /^x:960 y:540 /);
  assertEquals((await desktop.act({ action: "cursor_position" })).output, "x=123,y=45");
});

desktopTest("buttons, wheel and drag reach the window under the pointer", async (desktop) => {
  const { until } = await openXev(desktop);
  const at = { coordinate: [400, 400] };

  await desktop.act({ action: "right_click", ...at });
  await until("ButtonPress 3 400,400", "ButtonRelease 3 400,400");
  await desktop.act({ action: "middle_click", ...at });
  await until("ButtonPress 2 400,400", "ButtonRelease 2 400,400");
  await desktop.act({ action: "scroll", ...at, scroll_direction: "down", scroll_amount: 4 });
  await desktop.act({ action: "scroll", ...at, scroll_direction: "up" });
  const scrolled = await until(...Array.from({ length: 3 }, () => "ButtonRelease 4 400,400"));
  assertEquals(scrolled.filter((event) => event.startsWith("ButtonPress")), [
    ...Array.from({ length: 4 }, () => "ButtonPress 5 400,400"),
    ...Array.from({ length: 3 }, () => "ButtonPress 4 400,400"),
  ]);
  await desktop.act({ action: "scroll", ...at, scroll_direction: "left", scroll_amount: 1 });
  await desktop.act({ action: "scroll", ...at, scroll_direction: "right", scroll_amount: 1 });
  await until("ButtonPress 6 400,400", "ButtonPress 7 400,400");
  await desktop.act({ action: "left_click_drag", start_coordinate: [350, 350], coordinate: [600, 500] });
  const dragged = await until("ButtonPress 1 350,350", "ButtonRelease 1 600,500");
  assert(dragged.some((event) => event.startsWith("MotionNotify 0x100")), dragged.join());
  await desktop.act({ action: "left_mouse_down" });
  await desktop.act({ action: "mouse_move", coordinate: [610, 510] });
  await desktop.act({ action: "left_mouse_up" });
  await until("ButtonPress 1 600,500", "MotionNotify 0x100 610,510", "ButtonRelease 1 610,510");
});

desktopTest("a double and a triple click are two and three presses at one place", async (desktop) => {
  const { until } = await openXev(desktop);
  for (const [action, times] of [["double_click", 2], ["triple_click", 3]] as const) {
    await desktop.act({ action, coordinate: [410, 400] });
    await desktop.act({ action: "right_click", coordinate: [420, 400] });

    const events = await until("ButtonRelease 3 420,400");

    assertEquals(events.filter((event) => event === "ButtonPress 1 410,400").length, times, events.join());
  }
});

desktopTest("keys reach the focused window with their modifiers, and held keys stay down", async (desktop) => {
  const { until } = await openXev(desktop);

  await desktop.act({ action: "key", text: "ctrl+shift+t" });
  await until("KeyPress T 0x5", "KeyRelease T 0x5", "KeyRelease Control_L 0x4");
  await desktop.act({ action: "key", text: "F5" });
  await until("KeyPress F5 0x0");
  await desktop.act({ action: "key", text: "é" });
  await until("KeyPress eacute 0x0");
  await desktop.act({ action: "key_down", text: "alt" });
  await desktop.act({ action: "key", text: "a" });
  await desktop.act({ action: "key_up", text: "alt" });
  await until("KeyPress Alt_L 0x0", "KeyPress a 0x8", "KeyRelease a 0x8", "KeyRelease Alt_L 0x8");
  await desktop.act({ action: "hold_key", text: "b", duration: 50 });
  await until("KeyPress b 0x0", "KeyRelease b 0x0");
});

/** Texts that keyboards do not have: accents, other scripts, symbols, characters outside the first plane, and both cases. */
const TEXTS = [
  "The quick brown fox: {[(<>)]} ~`!@#$%^&*_+-=|\\;'\",./?",
  "Grüße, naïve façade, Żółć, ÀÉÎÕÜ",
  "Жук ЖУК жук, Ελληνικά ΕΛΛΗΝΙΚΆ",
  "漢字かなカナ 한국어 עברית",
  "π ≈ 3.14159, 20 €, “quoted”, 😀👍",
];
desktopTest("text in any script arrives in a terminal as it was sent", async (desktop) => {
  const file = await Deno.makeTempFile();
  await openTerminal(desktop, file);

  for (const text of TEXTS) await desktop.act({ action: "type", text: `${text}\n` });

  assertEquals(await fileWith(file, `${TEXTS.at(-1)}\n`), `ready 漢\n${TEXTS.join("\n")}\n`);
  await Deno.remove(file);
});

desktopTest("text with more different characters than there are spare keys arrives too", async (desktop) => {
  const file = await Deno.makeTempFile();
  await openTerminal(desktop, file);
  const text = Array.from({ length: 300 }, (_, index) => String.fromCodePoint(0x4e00 + index * 7)).join("");

  await desktop.act({ action: "type", text: `${text}\nend\n` });

  assertEquals(await fileWith(file, "end\n"), `ready 漢\n${text}\nend\n`);
  await Deno.remove(file);
});

desktopTest("text arrives whatever Caps Lock and the layout are", async (desktop) => {
  const file = await Deno.makeTempFile();
  await openTerminal(desktop, file);

  await desktop.act({ action: "key", text: "Caps_Lock" });
  await desktop.act({ action: "type", text: "Mixed Cäse Ж ж\n" });
  await fileWith(file, "ж\n"); // A new layout takes the keys that were lent from whoever has not read them yet.
  await desktop.act({ action: "key", text: "Caps_Lock" });
  await desktop.run("setxkbmap", "de");
  await desktop.act({ action: "type", text: "zyZY /?#@{} ß é Ж\nend\n" });

  assertEquals(await fileWith(file, "end\n"), "ready 漢\nMixed Cäse Ж ж\nzyZY /?#@{} ß é Ж\nend\n");
  await Deno.remove(file);
});

desktopTest("a dragged title bar moves its window", async (desktop) => {
  desktop.start("xterm", "-geometry", "60x10+300+300", "-e", "cat");
  const window = await desktop.window("xterm");
  const position = async () => {
    const text = new TextDecoder().decode(await desktop.run("xwininfo", "-id", window));
    return ["X", "Y"].map((axis) => Number(new RegExp(`upper-left ${axis}: +(\\d+)`).exec(text)![1])) as [
      number,
      number,
    ];
  };
  const [x, y] = await position();

  await desktop.act({ action: "left_click_drag", start_coordinate: [x + 150, y - 8], coordinate: [x + 350, y + 92] });
  let after = await position();
  for (let look = 0; look < 100 && after[0] === x; look++) after = await position();

  assertEquals([after[0] - x, after[1] - y], [200, 100]);
});

desktopTest("only the agent's user gets at the screen", async (desktop) => {
  const { mode } = await Deno.stat(desktop.env.XAUTHORITY!);
  const socket = desktop.env.XAUTHORITY!.replace("Xauthority", "vnc.sock");
  const stranger = await new Deno.Command("xdotool", {
    args: ["getmouselocation"],
    env: { DISPLAY: desktop.env.DISPLAY!, XAUTHORITY: "/dev/null" },
    stderr: "piped",
  }).output();

  assertEquals([mode! & 0o777, (await Deno.stat(socket)).mode! & 0o777], [0o600, 0o600]);
  assertEquals(stranger.success, false);
});

desktopTest("its files are gone when the agent has stopped", async (desktop) => {
  const { XAUTHORITY, DISPLAY } = desktop.env;

  await desktop.agent.stop();

  const exists = (path: string) => Deno.stat(path).then(() => true, () => false);
  assertEquals(await exists(XAUTHORITY!), false);
  assertEquals(await exists(`/tmp/.X11-unix/X${DISPLAY!.slice(1)}`), false);
});
