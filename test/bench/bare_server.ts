/**
 * The floor of starting and idling: bare Deno with one handler.
 *
 * @module
 */
Deno.serve({
  hostname: "127.0.0.1",
  port: 0,
  onListen: ({ port }) => console.log(JSON.stringify({ event: "listening", http: `http://127.0.0.1:${port}` })),
}, () => new Response("ok"));
