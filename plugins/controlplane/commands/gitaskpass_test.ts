import { assertEquals, assertMatch, assertRejects } from "@std/assert";

import type { Clock } from "../../../core/plugin.ts";
import { commandContext } from "./_fixture.ts";
import { gitaskpass } from "./gitaskpass.ts";

const NAME = ["Username for 'https://git.example.org': "];
const PASSWORD = ["Password for 'https://oauth2@git.example.org': "];
const NONE = { url: "", username: "", password: "", access_token: "", type: "" };

for (
  const [what, args, auth, answer] of [
    ["the user name", NAME, { ...NONE, username: "oauth2", password: "secret" }, "oauth2"],
    ["the password", PASSWORD, { ...NONE, username: "oauth2", password: "secret" }, "secret"],
    ["the token, where it is the user name", NAME, { ...NONE, username: "gho_1" }, "gho_1"],
    ["the token again, where there is no password", PASSWORD, { ...NONE, username: "gho_1" }, "gho_1"],
  ] as const
) {
  Deno.test(`gitaskpass() answers with ${what}`, async () => {
    const asked: string[] = [];
    const ctx = commandContext({
      args,
      env: { CODER_CHAT_ID: "c1" },
      answer: (path) => {
        asked.push(path);
        return Response.json(auth);
      },
    });

    assertEquals(await gitaskpass(ctx), 0);
    assertEquals(ctx.written, { out: `${answer}\n`, err: "" });
    assertEquals(asked, ["/api/v0/controlplane/external-auth?match=https%3A%2F%2Fgit.example.org&chat_id=c1"]);
  });
}

Deno.test("gitaskpass() says where to sign in, and waits through answers that do not come", async () => {
  const asked: string[] = [];
  const answers = [
    Response.json({ ...NONE, url: "https://coder.example.org/external-auth/github" }),
    Response.json({ message: "cut off" }, { status: 503 }),
    Response.json({ message: "still away" }, { status: 502 }),
    Response.json({ ...NONE, username: "gho_1" }),
  ];
  const slept: number[] = [];
  const clock: Clock = { now: () => 0, sleep: (ms) => Promise.resolve(void slept.push(ms)) };
  const ctx = commandContext({
    args: NAME,
    answer: (path) => {
      asked.push(new URL(path, "http://x").searchParams.get("listen") ?? "now");
      return answers.shift()!;
    },
  });

  assertEquals(await gitaskpass(ctx, clock), 0);
  assertEquals([ctx.written.out, asked, slept], ["gho_1\n", ["now", "true", "true", "true"], [250, 500]]);
  assertMatch(ctx.written.err, /https:\/\/coder\.example\.org\/external-auth\/github/);
});

Deno.test("gitaskpass() stops to wait when the provider is gone", async () => {
  const answers = [
    Response.json({ ...NONE, url: "https://coder.example.org/external-auth/github" }),
    Response.json({ message: "No provider" }, { status: 404 }),
  ];
  const ctx = commandContext({ args: NAME, answer: () => answers.shift()! });

  assertEquals(await gitaskpass(ctx), 1);
  assertMatch(ctx.written.err, /goes on by itself: No provider/);
});

Deno.test("gitaskpass() stops to wait when a signal comes", async () => {
  const stop = new AbortController();
  const answers = [Response.json({ ...NONE, url: "https://x.example" }), Response.json({}, { status: 503 })];
  const clock: Clock = {
    now: () => 0,
    sleep: (_, signal) => {
      stop.abort(new DOMException("Ended by SIGINT", "AbortError"));
      return Promise.reject(signal?.reason);
    },
  };
  const ctx = commandContext({ args: NAME, signal: stop.signal, answer: () => answers.shift()! });

  await assertRejects(() => gitaskpass(ctx, clock), DOMException, "SIGINT");
});

Deno.test("gitaskpass() leaves git to itself when there is no answer, and prints nothing git could take for one", async () => {
  const ctx = commandContext({
    args: NAME,
    answer: () => Response.json({ message: "No provider", detail: "known are none" }, { status: 404 }),
  });

  assertEquals(await gitaskpass(ctx), 1);
  assertEquals(ctx.written, {
    out: "",
    err: "The control plane has no answer for git, which goes on by itself: No provider: known are none\n",
  });
});

Deno.test("gitaskpass() explains itself to people", async () => {
  const ctx = commandContext({ args: [] });

  assertEquals(await gitaskpass(ctx), 2);
  assertMatch(ctx.written.err, /GIT_ASKPASS/);
});
