import { assertEquals, assertRejects } from "@std/assert";

import { editFiles, readBytes, readFile, writeFile } from "./file_tools.ts";
import { type Tool, type ToolContext, ToolError } from "./tool.ts";
import type { WorkspaceApi, WorkspaceFiles } from "./workspace_api.ts";

const context: ToolContext = { signal: new AbortController().signal, now: () => 0 };

/** A workspace whose files behave as told; unset members are never called. */
function workspace(files: Partial<WorkspaceFiles>): WorkspaceApi {
  return { files: files as WorkspaceFiles };
}

const call = (tool: Tool, args: unknown, api: WorkspaceApi): Promise<object> => tool.call(args, api, context);

Deno.test("read_file asks for line 1 and the agent's own number of lines unless told otherwise", async () => {
  const asked: unknown[] = [];
  const lines = { success: true, content: "1\ta", file_size: 1, total_lines: 1, lines_read: 1 };
  const api = workspace({ readLines: (wanted) => Promise.resolve(lines).finally(() => asked.push(wanted)) });

  const result = await call(readFile, { path: "/a" }, api);
  await call(readFile, { path: "/a", offset: 7, limit: 3 }, api);

  assertEquals(asked, [{ path: "/a", offset: 1, limit: 0 }, { path: "/a", offset: 7, limit: 3 }]);
  assertEquals(result, { content: "1\ta", file_size: 1, total_lines: 1, lines_read: 1 });
});

Deno.test("read_file fails with the agent's words", async () => {
  const api = workspace({ readLines: () => Promise.resolve({ success: false, error: "file has 5000 lines" }) });

  await assertRejects(() => call(readFile, { path: "/a" }, api), ToolError, "file has 5000 lines");
});

Deno.test("read_bytes tells text from bytes, and whether the file goes on", async () => {
  const piece = (bytes: Uint8Array, more: boolean) =>
    workspace({ read: () => Promise.resolve({ bytes, mediaType: "text/plain", more }) });

  assertEquals(await call(readBytes, { path: "/a" }, piece(new TextEncoder().encode("é"), true)), {
    ...{ text: "é", media_type: "text/plain", bytes_read: 2, more: true },
  });
  assertEquals(await call(readBytes, { path: "/a" }, piece(Uint8Array.of(0xff), false)), {
    ...{ base64: "/w==", media_type: "text/plain", bytes_read: 1, more: false },
  });
});

Deno.test("write_file and edit_files answer with ok, and with diffs where they were asked for", async () => {
  const asked: unknown[] = [];
  const diffs = [{ path: "/a", diff: "-1\n+2\n" }];
  const api = workspace({
    write: (file) => Promise.resolve(void asked.push(file)),
    edit: (files) => Promise.resolve(diffs).finally(() => asked.push(files)),
  });
  const files = [{ path: "/a", edits: [{ search: "1", replace: "2" }] }];

  assertEquals(await call(writeFile, { path: "/a", content: "" }, api), { ok: true });
  assertEquals(await call(editFiles, { files }, api), { ok: true });
  assertEquals(await call(editFiles, { files, include_diff: true }, api), { ok: true, files: diffs });
  assertEquals(asked, [{ path: "/a", content: "" }, files, files]);
});

Deno.test("file tools refuse what is missing, by name", async () => {
  const cases: readonly (readonly [Tool, unknown, string])[] = [
    [readFile, {}, "path is required"],
    [readFile, { path: "" }, "path is required"],
    [readFile, { path: "/a", offset: -1 }, "offset"],
    [writeFile, { content: "x" }, "path is required"],
    [writeFile, { path: "/a" }, "content is required"],
    [editFiles, {}, "files is required"],
    [editFiles, { files: [] }, "files is required"],
    [editFiles, { files: [{ path: "/a", edits: [] }] }, "edits is required"],
    [editFiles, { files: [{ edits: [{ search: "a", replace: "b" }] }] }, "path is required"],
  ];

  for (const [tool, args, text] of cases) {
    await assertRejects(() => call(tool, args, workspace({})), ToolError, text);
  }
});

Deno.test("what the workspace refuses leaves a file tool as its error", async () => {
  const api = workspace({ write: () => Promise.reject(new Error("permission denied")) });

  await assertRejects(() => call(writeFile, { path: "/a", content: "x" }, api), Error, "permission denied");
});
