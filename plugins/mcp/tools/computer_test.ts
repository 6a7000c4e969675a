import { assertEquals, assertRejects } from "@std/assert";

import { computer, DISPLAY } from "./computer.ts";
import { declaredSize } from "./declared_size.ts";
import { ToolError } from "./tool.ts";
import type { DesktopAction, WorkspaceApi } from "./workspace_api.ts";

const SCALED = { scaled_width: 1280, scaled_height: 720 };

/** A desktop that records what it is told; pictures are named after the number of the call. */
function recorder(fail?: Error): { readonly api: WorkspaceApi; readonly actions: DesktopAction[] } {
  const actions: DesktopAction[] = [];
  const api: WorkspaceApi = {
    desktop: {
      act(action) {
        actions.push(action);
        if (fail) return Promise.reject(fail);
        const data = action.action === "screenshot" || action.action === "zoom"
          ? `picture ${actions.length}`
          : undefined;
        return Promise.resolve({ output: action.action, screenshot_data: data });
      },
    },
  };
  return { api, actions };
}

const context = { signal: new AbortController().signal, now: () => 0 };

Deno.test("declaredSize() is the screen's own where it fits, else a known width, else the largest that fits", () => {
  const size = (width: number, height: number) => Object.values(declaredSize({ width, height }));

  assertEquals(size(1920, 1080), [1280, 720]);
  assertEquals(size(1366, 768), [1366, 768]);
  assertEquals(size(1600, 1500), [1024, 960]);
  assertEquals(size(1080, 1920), [804, 1429]);
  assertEquals(size(9000, 2), [1280, 1]);
});

Deno.test("computer tells its provider the declared size", () => {
  assertEquals([DISPLAY.width, DISPLAY.height], [1280, 720]);
  assertEquals(computer.provider, {
    type: "computer_20251124",
    name: "computer",
    display_width_px: 1280,
    display_height_px: 720,
    enable_zoom: true,
  });
});

Deno.test("computer takes a screenshot with one action", async () => {
  const { api, actions } = recorder();

  const result = await computer.call({ action: "screenshot" }, api, context);

  assertEquals(actions, [{ action: "screenshot", ...SCALED }]);
  assertEquals((result as { screenshot_data: string }).screenshot_data, "picture 1");
});

Deno.test("computer answers every other action with a picture taken after it, also a click at the origin", async () => {
  const { api, actions } = recorder();

  const result = await computer.call({ action: "left_click", coordinate: [0, 0], text: "" }, api, context);

  assertEquals(actions, [{ action: "left_click", coordinate: [0, 0], ...SCALED }, { action: "screenshot", ...SCALED }]);
  assertEquals(result, {
    output: "left_click",
    display_width: 1280,
    display_height: 720,
    screenshot_data: "picture 2",
  });
});

Deno.test("computer waits as long as it is told, a second where it is told nothing or less", async () => {
  const { api, actions } = recorder();

  await computer.call({ action: "wait", duration: 2500 }, api, context);
  await computer.call({ action: "wait", duration: 0 }, api, context);

  assertEquals(actions.filter(({ action }) => action === "wait"), [
    { action: "wait", duration: 2500, ...SCALED },
    { action: "wait", ...SCALED },
  ]);
});

Deno.test("computer names the action that failed, and says that its input is invalid", async () => {
  const { api } = recorder(new Error("A person holds the desktop"));

  await assertRejects(
    () => computer.call({ action: "key", text: "a" }, api, context),
    ToolError,
    "action key failed: A person holds the desktop",
  );
  await assertRejects(
    () => computer.call({ action: "fly" }, api, context),
    ToolError,
    "invalid computer use input: action",
  );
});
