import { assertEquals, assertRejects } from "@std/assert";

import { RpcUnavailableError } from "../errors.ts";
import { controlPlaneFetch } from "./control_plane_fetch.ts";

function serve(answer: (request: Request) => Response): Deno.HttpServer<Deno.NetAddr> {
  return Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, answer);
}
const at = (port: number, path = "/") => ({
  url: `http://127.0.0.1:${port}${path}`,
  headers: () => Promise.resolve({ "X-Extra": "yes", "Coder-Session-Token": "not this" }),
  token: () => Promise.resolve("the token"),
});

Deno.test("controlPlaneFetch() asks under the address, with headers, token, and what the caller adds", async () => {
  const seen: unknown[] = [];
  await using server = serve(({ url, headers }) => {
    const { pathname, search } = new URL(url);
    seen.push(pathname + search, headers.get("x-extra"), headers.get("coder-session-token"), headers.get("accept"));
    return new Response("ok");
  });

  const response = await controlPlaneFetch(at(server.addr.port, "/prefix/"))("/api?x=1", {
    headers: { accept: "text/plain" },
  });

  assertEquals(await response.text(), "ok");
  assertEquals(seen, ["/prefix/api?x=1", "yes", "the token", "text/plain"]);
});

Deno.test("controlPlaneFetch() carries the token nowhere else: a redirect is an answer", async () => {
  let asked = 0;
  await using elsewhere = serve(() => {
    asked++;
    return new Response();
  });
  await using server = serve(() => Response.redirect(`http://127.0.0.1:${elsewhere.addr.port}/`));

  const answer = await controlPlaneFetch(at(server.addr.port))("/api");

  assertEquals([answer.status, asked], [302, 0]);
  await answer.body?.cancel();
});

Deno.test("controlPlaneFetch() says that the control plane is away, and an abort stays an abort", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr;
  listener.close();
  const ask = controlPlaneFetch(at(port));

  const { reason } = await assertRejects(() => ask("/api"), RpcUnavailableError);
  const signal = AbortSignal.abort(new DOMException("enough", "AbortError"));
  await assertRejects(() => ask("/api", { signal }), DOMException, "enough");

  assertEquals(reason, "disconnected");
});
