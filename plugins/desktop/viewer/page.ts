/**
 * The page that shows the desktop in a browser: noVNC, and around it who holds the desktop and what can be done about it.
 *
 * Addresses are relative, so that the page works behind a proxy too.
 *
 * @module
 */

/** What the page may do: run its own scripts, and talk to its own agent. */
export const PAGE_POLICY: string = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "img-src 'self' data: blob:",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The page itself. */
export const PAGE = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Desktop</title>
<link rel="stylesheet" href="viewer.css">
</head>
<body>
<header>
  <strong>Desktop</strong>
  <span id="connection" role="status">Connecting</span>
  <span id="lease" role="status"></span>
  <span class="space"></span>
  <label>Name <input id="name" maxlength="64" autocomplete="off"></label>
  <label id="note-label" hidden>Note <input id="note" maxlength="2000" autocomplete="off"></label>
  <button id="take" class="main">Take over</button>
  <button id="hand-back" class="main" hidden>Hand back</button>
  <button id="screenshot">Screenshot</button>
</header>
<p id="error" role="alert" hidden></p>
<main id="screen"></main>
<script type="module" src="viewer.js"></script>
</body>
</html>
`;

/** Its style. */
export const STYLE = `
:root { color-scheme: light dark; --line: #8884; --faint: #888; --good: #2a9d5c; --bad: #c8384e; --mine: #2f6fde }
* { box-sizing: border-box }
[hidden] { display: none !important }
html, body { height: 100%; margin: 0 }
body { display: flex; flex-direction: column; font: 14px/1.4 system-ui, sans-serif }
header { display: flex; flex-wrap: wrap; gap: .4rem .9rem; align-items: center; padding: .5rem .9rem; border-bottom: 1px solid var(--line) }
.space { flex: 1 }
#connection { color: var(--faint) }
#connection::before { content: ""; display: inline-block; width: .6em; height: .6em; border-radius: 50%; background: var(--faint); margin-right: .4em }
#connection.connected::before { background: var(--good) }
#connection.lost::before { background: var(--bad) }
#lease { padding: .1rem .6rem; border-radius: 1rem; background: #8882 }
#lease.mine { background: var(--mine); color: white }
#lease.other { background: var(--bad); color: white }
label { color: var(--faint) }
input { font: inherit; padding: .15rem .4rem; width: 8rem; border: 1px solid var(--line); border-radius: .3rem; background: transparent; color: inherit }
button { font: inherit; padding: .25rem .8rem; border: 1px solid var(--line); border-radius: .3rem; background: transparent; color: inherit; cursor: pointer }
button.main { background: var(--mine); border-color: var(--mine); color: white }
button:focus-visible, input:focus-visible { outline: 2px solid var(--mine); outline-offset: 1px }
#error { margin: 0; padding: .4rem .9rem; background: var(--bad); color: white }
#screen { flex: 1; min-height: 0; background: #14181d }
`;

/** Its script. */
export const SCRIPT = `
import RFB from "./novnc/core/rfb.js";

const $ = (id) => document.getElementById(id);
const RECONNECT_MS = 3000;
const WAIT_MS = 5000;

let rfb;
/** The name that the connection has: input through it is this person's. */
let connectedAs = "";
let lease = { epoch: 0, held_by: "agents" };

$("name").value = localStorage.getItem("outpost-desktop-name") || "Viewer " + Math.floor(1000 + 9000 * Math.random());
$("name").onchange = () => {
  localStorage.setItem("outpost-desktop-name", $("name").value);
  connect();
};
const myName = () => $("name").value.trim() || "A person";
const isMine = () => lease.held_by === "person" && lease.holder.name === connectedAs;

async function call(path, body) {
  const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body), headers: { "content-type": "application/json" } };
  const response = await fetch(path, init);
  const answer = await response.json();
  if (!response.ok) throw new Error([answer.message, answer.detail].filter((part) => part).join(": "));
  return answer;
}

function fail(error) {
  $("error").textContent = error === undefined ? "" : error.message;
  $("error").hidden = error === undefined;
}

function connect() {
  const old = rfb;
  $("connection").textContent = "Connecting";
  $("connection").className = "";
  connectedAs = myName();
  const address = new URL("vnc?name=" + encodeURIComponent(connectedAs), location.href);
  address.protocol = address.protocol.replace("http", "ws");
  const mine = rfb = new RFB($("screen"), address.href, { shared: true });
  old?.disconnect();
  rfb.scaleViewport = true;
  rfb.viewOnly = true;
  rfb.addEventListener("connect", () => {
    $("connection").textContent = "Connected";
    $("connection").className = "connected";
    fail();
    show();
  });
  rfb.addEventListener("disconnect", () => {
    if (rfb !== mine) return;
    $("connection").textContent = "Connection lost, trying again";
    $("connection").className = "lost";
    setTimeout(connect, RECONNECT_MS);
  });
}

/** The viewer only looks until this person holds the desktop: moving the mouse over the picture takes nothing by accident. */
function show() {
  const person = lease.held_by === "person";
  const left = person ? Math.max(0, Math.round((Date.parse(lease.holder.until) - Date.now()) / 1000)) : 0;
  $("lease").textContent = !person
    ? "Agents may act" + (lease.last_action ? ", last: " + lease.last_action.action : "")
    : (isMine() ? "You hold the desktop" : lease.holder.name + " holds the desktop") + ", back in " + left + " s without input";
  $("lease").className = !person ? "" : isMine() ? "mine" : "other";
  $("take").hidden = isMine();
  $("hand-back").hidden = $("note-label").hidden = !isMine();
  if (rfb) rfb.viewOnly = !isMine();
}

async function follow() {
  for (;;) {
    try {
      lease = await call("lease?epoch=" + lease.epoch + "&wait_ms=" + WAIT_MS);
      show();
    } catch (error) {
      fail(error);
      await new Promise((resolve) => setTimeout(resolve, RECONNECT_MS));
    }
  }
}

function press(id, work) {
  $(id).onclick = async () => {
    fail();
    try {
      await work();
      show();
    } catch (error) {
      fail(error);
    }
  };
}

press("take", async () => {
  if (connectedAs !== myName()) connect();
  lease = await call("lease/take", { name: connectedAs });
  rfb.focus();
});
press("hand-back", async () => {
  lease = await call("lease/hand-back", { note: $("note").value });
  $("note").value = "";
});
press("screenshot", async () => {
  const { screenshot_data } = await call("action", { action: "screenshot" });
  const link = document.createElement("a");
  link.href = "data:image/png;base64," + screenshot_data;
  link.download = "desktop.png";
  link.click();
});

setInterval(show, 1000);
connect();
follow();
`;
