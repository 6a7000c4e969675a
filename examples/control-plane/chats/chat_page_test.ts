import { assertEquals, assertMatch } from "@std/assert";

import { GitRepo } from "../../../test/fixtures/git_repo.ts";
import { type ChromiumPage, openChromium } from "../../../test/client/headless_chromium.ts";
import { hasProgram } from "../../../test/ssh_agent.ts";
import { parseAgentsFile } from "../agents_file.ts";
import { connectAgent } from "../connected_agent.ts";
import { startControlPlane } from "../control_plane.ts";
import { scriptedModel } from "./scripted_model.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const AGENTS = parseAgentsFile(`{ "agents": [{ "name": "dev", "token": "${TOKEN}" }] }`, "test");
const isMissing = !hasProgram("chromium");

/** Text of an element once it contains what is wanted; nothing ends the wait but that. */
async function textWith(page: ChromiumPage, selector: string, wanted: string): Promise<string> {
  return String(
    await page.evaluate(`new Promise((resolve) => {
    const look = () => {
      const text = document.querySelector(${JSON.stringify(selector)})?.innerText ?? "";
      if (!text.includes(${JSON.stringify(wanted)})) return;
      observer.disconnect();
      resolve(text);
    };
    const observer = new MutationObserver(look);
    observer.observe(document, { subtree: true, childList: true, characterData: true, attributes: true });
    look();
  })`),
  );
}

/** Fills a form and sends it, as a person would. */
async function submit(page: ChromiumPage, form: string, field: string, text: string): Promise<void> {
  await page.evaluate(`{
    document.querySelector(${JSON.stringify(field)}).value = ${JSON.stringify(text)};
    document.querySelector(${JSON.stringify(form)}).requestSubmit();
  }`);
}

Deno.test({
  name: `the page of chats shows a chat as it happens, and its repositories${
    isMissing ? " (skipped: no program chromium)" : ""
  }`,
  ignore: isMissing,
  async fn() {
    await using repo = await GitRepo.create({ "a.txt": "one\n" });
    const hostile = "<img src=x onerror=document.title='owned'>";
    const steps = [
      {
        say: `I write ${hostile}`,
        use: [{ tool: "write_file", input: { path: repo.path("a.txt"), content: "two\n" } }],
      },
      { use: [{ tool: "execute", input: { command: "sleep 600", timeout: "1h" } }] },
      { fail: "the model is tired" },
    ];
    await using plane = startControlPlane({ agents: AGENTS, logSink: () => {}, models: [scriptedModel([{ steps }])] });
    await using _agent = await connectAgent(plane, { token: TOKEN, name: "dev" });
    await using page = await openChromium();
    await page.open(await plane.createLink());
    await page.open(`${plane.address}/chats`);

    await textWith(page, "#agent", "dev (connected)");
    await submit(page, "#new", "#prompt", "Write something");
    const messages = await textWith(page, "#messages", "sleep 600");
    const repository = await textWith(page, "#repos", "+two");
    await submit(page, "#say", "#text", "And now?");
    const queued = await textWith(page, "#messages", "And now?");
    await page.evaluate(`document.getElementById("stop").click()`);
    await textWith(page, "#messages details:last-of-type .state", "failed");
    await textWith(page, "#facts", "waiting");
    await submit(page, "#say", "#text", "Go on");
    const trouble = await textWith(page, "#messages .trouble", "the model is tired");

    assertMatch(messages, /Write something[^]*I write <img[^]*write_file[^]*done[^]*execute/);
    assertMatch(repository, new RegExp(`${repo.root}[^]*main[^]*a\\.txt[^]*-one[^]*\\+two`));
    assertMatch(queued, /running[^]*And now\?/);
    assertEquals([trouble, await page.evaluate("document.title")], ["the model is tired", "Chats"]);
    assertMatch(await textWith(page, "#chats", "error"), /Write something/);
  },
});
