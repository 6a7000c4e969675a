import { assertEquals, assertRejects } from "@std/assert";

import { OutpostClient } from "../../../client/mod.ts";
import type { ChatTool } from "./chat_tools.ts";
import { computerTool } from "./computer_tool.ts";
import type { JsonObject } from "./model.ts";

const CLICK = { action: "left_click", coordinate: [0, 0] };
const SCALED = { scaled_width: 1280, scaled_height: 720 };

/** A desktop that notes what it is asked for. It is in `epoch`, and refuses input from an earlier one, as the agent does. */
class Desktop {
  epoch = 1;
  readonly asked: JsonObject[] = [];
  readonly tool: ChatTool = computerTool(() => new OutpostClient({ fetch: (_, init) => this.#answer(init!) }));

  call(input: JsonObject, signal: AbortSignal = new AbortController().signal) {
    return this.tool.call(input, { id: "toolu_1", signal });
  }

  /** Actions as they came, each with its epoch. */
  get actions(): readonly string[] {
    return this.asked.map(({ action, epoch = "none" }) => `${action} ${epoch}`);
  }

  #answer({ body }: RequestInit): Promise<Response> {
    const request = JSON.parse(String(body));
    this.asked.push(request);
    const { action, epoch = this.epoch } = request;
    const isPicture = action === "screenshot";
    if (!isPicture && epoch !== this.epoch) {
      return Promise.resolve(Response.json({ message: "A person has used the desktop since" }, { status: 409 }));
    }
    return Promise.resolve(
      Response.json({ output: action, epoch: this.epoch, ...(isPicture && { screenshot_data: "iVBORw0=" }) }),
    );
  }
}

Deno.test("computer is told to the model as its provider's tool", () => {
  assertEquals(new Desktop().tool.definition, {
    ...{ type: "computer_20251124", name: "computer" },
    ...{ display_width_px: 1280, display_height_px: 720, enable_zoom: true },
  });
});

Deno.test("computer acts at the agent, the origin included, and answers with a picture taken after it", async () => {
  const desktop = new Desktop();

  const { content } = await desktop.call(CLICK);

  assertEquals(desktop.asked, [{ ...CLICK, ...SCALED }, { action: "screenshot", ...SCALED }]);
  assertEquals(content, [
    { type: "image", source: { type: "base64", media_type: "image/png", data: "iVBORw0=" } },
    { type: "text", text: '{"output":"left_click","display_width":1280,"display_height":720}' },
  ]);
});

Deno.test("calls that are made at once are done in their order, each with the picture after it", async () => {
  const desktop = new Desktop();

  await Promise.all([desktop.call(CLICK), desktop.call({ action: "type", text: "a" })]);

  assertEquals(desktop.actions, ["left_click none", "screenshot none", "type none", "screenshot none"]);
});

Deno.test("input tells the epoch of the picture it was decided by, also behind another call that has looked since", async () => {
  const desktop = new Desktop();
  await desktop.call({ action: "screenshot" });
  desktop.epoch = 3; // A person has taken the desktop and handed it back.

  const looking = desktop.call({ action: "screenshot" });
  await assertRejects(
    () => desktop.call(CLICK),
    Error,
    "action left_click failed: A person has used the desktop since",
  );
  await looking;
  await desktop.call(CLICK);

  assertEquals(desktop.actions, ["screenshot none", "screenshot 1", "left_click 1", "left_click 3", "screenshot 3"]);
});

Deno.test("what a person holds, and a desktop that is not there, is told in words", async () => {
  const held = {
    message: "A person holds the desktop",
    detail: "Anna holds the desktop until 2026-01-02T10:01:00.000Z, and longer while there is input",
    code: "desktop_held",
  };
  const answers: readonly (readonly [number, object, string])[] = [
    [423, held, `action left_click failed: ${held.message}: ${held.detail}`],
    [404, { message: "No such route" }, "action left_click failed: The workspace has no desktop"],
  ];

  for (const [status, body, text] of answers) {
    const client = new OutpostClient({ fetch: () => Promise.resolve(Response.json(body, { status })) });
    const tool = computerTool(() => client);
    const call = { id: "toolu_1", signal: new AbortController().signal };
    await assertRejects(async () => await tool.call(CLICK, call), Error, text);
  }
});

Deno.test("a call that waits for its turn is not made once its chat is told to stop", async () => {
  const desktop = new Desktop();
  const stop = new AbortController();

  const first = desktop.call(CLICK);
  const second = desktop.call({ action: "type", text: "a" }, stop.signal);
  stop.abort(new Error("the user stopped the work"));

  await assertRejects(() => second, Error, "the user stopped the work");
  await first;
  assertEquals(desktop.actions, ["left_click none", "screenshot none"]);
});
