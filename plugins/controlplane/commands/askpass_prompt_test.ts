import { assertEquals, assertThrows } from "@std/assert";

import { isAskpassCall, readPrompt } from "./askpass_prompt.ts";

Deno.test("isAskpassCall() takes one question with GIT_PREFIX in the environment, and nothing else", () => {
  const env = { GIT_PREFIX: "" };

  assertEquals(isAskpassCall({ args: ["Username for 'https://a.example': "], env }), true);
  assertEquals(isAskpassCall({ args: ["Password for 'https://u@a.example': "], env }), true);
  assertEquals(isAskpassCall({ args: ["Username for 'https://a.example': "], env: {} }), false);
  assertEquals(isAskpassCall({ args: ["Username for", "more"], env }), false);
  assertEquals(isAskpassCall({ args: ["Usernames"], env }), false);
  assertEquals(isAskpassCall({ args: [], env }), false);
});

for (
  const [prompt, user, address] of [
    ["Username for 'https://git.example.org': ", "", "https://git.example.org"],
    ["Password for 'https://ada@git.example.org': ", "ada", "https://git.example.org"],
    ["Password for 'https://a%40b@git.example.org:8443': ", "a@b", "https://git.example.org:8443"],
    ["Username for 'http://127.0.0.1:3000/team/repo.git': ", "", "http://127.0.0.1:3000/team/repo.git"],
    ['Username for "https://git.example.org":', "", "https://git.example.org"],
  ] as const
) {
  Deno.test(`readPrompt() reads ${prompt}`, () => {
    assertEquals(readPrompt(prompt), { user, address });
  });
}

Deno.test("readPrompt() refuses what is no question about HTTP", () => {
  for (
    const prompt of ["Password for 'ssh://git.example.org': ", "Username for '': ", "Username ", "Passphrase for key"]
  ) {
    const error = assertThrows(() => readPrompt(prompt), SyntaxError);
    assertEquals(error.message.includes(`"${prompt}"`), true);
  }
});
