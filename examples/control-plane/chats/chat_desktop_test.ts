import { assertEquals } from "@std/assert";

import { missingPrograms } from "../../../test/fixtures/real_desktop.ts";
import { parseAgentsFile } from "../agents_file.ts";
import { connectAgent } from "../connected_agent.ts";
import { startControlPlane } from "../control_plane.ts";
import { scriptedModel } from "./scripted_model.ts";

const TOKEN = "6c1f8b34-52b7-4d0e-9f0a-3f5e1f2d7a10";
const FILE = parseAgentsFile(
  `{ "agents": [{ "name": "dev", "owner": "ann", "workspace": "shop", "token": "${TOKEN}" }] }`,
  "test",
);
const missing = missingPrograms("Xvnc", "openbox");

Deno.test({
  name: "a chat shows the desktop of its workspace at either path, and a plain request is told to upgrade" +
    (missing.length === 0 ? "" : ` (skipped: no program ${missing.join(", ")})`),
  ignore: missing.length > 0,
  async fn() {
    await using plane = startControlPlane({ agents: FILE, logSink: () => {}, models: [scriptedModel([])] });
    await using _agent = await connectAgent(plane, { token: TOKEN, name: "dev" });
    const headers = { authorization: `Bearer ${plane.token}` };
    const chats = `${plane.address}/api/experimental/chats`;
    const made = await fetch(chats, { method: "POST", headers, body: JSON.stringify({ agent: "dev" }) });
    const { id } = await made.json();

    for (const path of ["desktop", "stream/desktop"]) {
      const socket = new WebSocket(`${chats.replace("http:", "ws:")}/${id}/${path}?view_only=1`, { headers });
      socket.binaryType = "arraybuffer";
      const first = await new Promise<ArrayBuffer>((resolve, reject) => {
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = (event) => reject(new Error((event as ErrorEvent).message));
      });
      const closed = new Promise((resolve) => socket.onclose = resolve);
      socket.close();
      await closed;

      assertEquals(new TextDecoder().decode(first), "RFB 003.008\n");
    }
    const plain = await fetch(`${chats}/${id}/desktop`, { headers });
    await plain.body?.cancel();
    assertEquals(plain.status, 426);
  },
});
