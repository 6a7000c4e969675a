/**
 * The desktop's page in Chromium, with the session of a sign-in link.
 *
 * @module
 */
import { assert, assertEquals, assertMatch } from "@std/assert";

import { missingPrograms, openRealDesktop } from "../fixtures/real_desktop.ts";
import { openChromium } from "../client/headless_chromium.ts";

const missing = missingPrograms("Xvnc", "openbox", "xterm", "xdotool", "xwininfo", "chromium");

Deno.test({
  name: "a person opens the page, takes the desktop, moves a window and hands it back" +
    (missing.length === 0 ? "" : ` (skipped: no program ${missing.join(", ")})`),
  ignore: missing.length > 0,
  async fn() {
    await using desktop = await openRealDesktop({ geometry: "1280x720" }, { tcp: "127.0.0.1:0" });
    const { agent } = desktop;
    desktop.start("xterm", "-geometry", "60x10+200+150", "-e", "sh", "-c", "echo hello; exec cat");
    const window = await desktop.window("xterm");
    const position = async () => {
      const text = new TextDecoder().decode(await desktop.run("xwininfo", "-id", window));
      return ["X", "Y"].map((axis) => Number(new RegExp(`upper-left ${axis}: +(\\d+)`).exec(text)![1]));
    };
    const link = await (await agent.post("/api/v0/auth/link")).json();
    const base = agent.agent.addresses.http!;
    await using page = await openChromium();
    const until = async (expression: string) => {
      const wait =
        `new Promise((resolve) => { const look = () => ${expression} ? resolve(true) : setTimeout(look, 20); look(); })`;
      assertEquals(await page.evaluate(wait), true);
    };

    await page.open(new URL(new URL(link.url).pathname, base).href);
    await page.open(`${base}/api/v0/desktop`);
    await until(`document.querySelector("#connection.connected") && document.querySelector("canvas")`);
    assertMatch(String(await page.evaluate("location.pathname")), /\/desktop\/$/);
    /** Where a place of the screen is in the page, as it is laid out now. */
    const at = async (x: number, y: number): Promise<[number, number]> => {
      const rectangle = `JSON.stringify(document.querySelector("canvas").getBoundingClientRect())`;
      const { left, top, width, height } = JSON.parse(String(await page.evaluate(rectangle)));
      return [left + x * width / 1280, top + y * height / 720];
    };
    const [x, y] = await position() as [number, number];

    // Looking takes nothing.
    await page.mouse("mouseMoved", ...await at(600, 500));
    await page.mouse("mousePressed", ...await at(600, 500));
    await page.mouse("mouseReleased", ...await at(600, 500));
    assertEquals((await (await agent.get("/api/v0/desktop/lease")).json()).held_by, "agents");

    await page.evaluate(`document.querySelector("#name").value = "Anna"; document.querySelector("#take").click()`);
    await until(`document.querySelector("#lease.mine") && document.querySelector("#connection.connected")`);
    await page.mouse("mouseMoved", ...await at(x + 150, y - 8));
    await page.mouse("mousePressed", ...await at(x + 150, y - 8));
    for (let step = 1; step <= 10; step++) {
      await page.mouse("mouseMoved", ...await at(x + 150 + 20 * step, y - 8 + 10 * step));
    }
    await page.mouse("mouseReleased", ...await at(x + 350, y + 92));
    const picture = Deno.env.get("OUTPOST_KEEP_PICTURES"); // A folder, for people who want to see the page.
    if (picture) await Deno.writeFile(`${picture}/dragged.png`, Uint8Array.fromBase64(await page.screenshot()));
    const isThere = ([left, top]: readonly number[]) => Math.abs(left! - x - 200) <= 6 && Math.abs(top! - y - 100) <= 6;
    let after = await position();
    for (let look = 0; look < 500 && !isThere(after); look++) after = await position();
    assert(isThere(after), `moved to ${after}, from ${x},${y}`);
    const refused = await agent.post("/api/v0/desktop/action", { action: "left_click", coordinate: [1, 1] });
    assertEquals([refused.status, (await refused.json()).holder.name], [423, "Anna"]);
    if (picture) await Deno.writeFile(`${picture}/held.png`, Uint8Array.fromBase64(await page.screenshot()));

    await page.evaluate(
      `document.querySelector("#note").value = "moved it"; document.querySelector("#hand-back").click()`,
    );
    await until(`!document.querySelector("#lease.mine") && document.querySelector("#hand-back").hidden`);
    const { held_by, hand_back } = await (await agent.get("/api/v0/desktop/lease")).json();
    assertEquals([held_by, hand_back.name, hand_back.note], ["agents", "Anna", "moved it"]);
    if (picture) await Deno.writeFile(`${picture}/free.png`, Uint8Array.fromBase64(await page.screenshot()));
    assertEquals(await page.evaluate(`document.querySelector("#error").hidden`), true);
  },
});
