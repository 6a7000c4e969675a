/**
 * The page at `/`: all agents, and one of them closely, as they change. It needs nothing from outside this file.
 *
 * @module
 */
import { createHash } from "node:crypto";

const STYLE = `
:root { color-scheme: light dark; --line: #8884; --faint: #888; --good: #2a9d5c; --bad: #d1495b; }
* { box-sizing: border-box }
body { margin: 0; font: 14px/1.45 system-ui, sans-serif }
header { padding: .8rem 1.2rem; border-bottom: 1px solid var(--line); display: flex; gap: 1rem; align-items: baseline }
header a { color: inherit } h1 { font-size: 1.05rem; margin: 0 } h2 { font-size: .8rem; margin: 1.4rem 0 .3rem; color: var(--faint); text-transform: uppercase; letter-spacing: .06em }
main { display: grid; grid-template-columns: minmax(16rem, 22rem) 1fr; min-height: calc(100vh - 3.2rem) }
nav { border-right: 1px solid var(--line) } article { padding: 0 1.2rem 3rem; min-width: 0 }
nav button { all: unset; box-sizing: border-box; display: block; width: 100%; padding: .7rem 1.2rem; border-bottom: 1px solid var(--line); cursor: pointer }
nav button:focus-visible { outline: 2px solid } nav button[aria-current=true] { background: #8882 }
small { color: var(--faint); display: block }
.dot::before { content: ""; display: inline-block; width: .6em; height: .6em; border-radius: 50%; background: var(--faint); margin-right: .5em }
.connected::before, .healthy::before { background: var(--good) } .disconnected::before, .unhealthy::before { background: var(--bad) }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top; border-bottom: 1px solid var(--line); overflow-wrap: anywhere }
th { color: var(--faint); font-weight: 500 }
pre { margin: 0; max-height: 24rem; overflow: auto; font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
.error, .deny { color: var(--bad) } .empty { color: var(--faint) }
@media (max-width: 50rem) { main { grid-template-columns: 1fr } nav { border: 0 } }
`;

const SCRIPT = `
"use strict";
const $ = (id) => document.getElementById(id);
let selected = decodeURIComponent(location.hash.slice(1));
function el(tag, text, className) {
  const node = document.createElement(tag);
  if (text !== undefined && text !== null) node.textContent = text;
  if (className) node.className = className;
  return node;
}
async function ask(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(response.status + " " + response.statusText);
  return await response.json();
}
function time(text) { return text ? new Date(text).toLocaleString() : ""; }
function section(title, body) { return [el("h2", title), body]; }
function table(heads, rows, empty) {
  if (rows.length === 0) return el("p", empty, "empty");
  const node = el("table"), top = node.createTHead().insertRow();
  for (const head of heads) top.append(el("th", head));
  const body = node.createTBody();
  for (const cells of rows) {
    const row = body.insertRow();
    for (const cell of cells) row.append(cell instanceof Node ? (() => { const td = el("td"); td.append(cell); return td; })() : el("td", cell));
  }
  return node;
}
function lines(texts, empty) {
  if (texts.length === 0) return el("p", empty, "empty");
  const node = el("pre");
  for (const [text, className] of texts) node.append(el("span", text + "\\n", className));
  queueMicrotask(() => { node.scrollTop = node.scrollHeight; });
  return node;
}
function size(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < units.length - 1; unit++) bytes /= 1024;
  return (unit > 0 && bytes < 100 ? bytes.toFixed(1) : Math.round(bytes)) + " " + units[unit];
}
function statsRows(stats) {
  if (!stats) return [];
  return [
    ["Sessions", "SSH " + stats.session_count_ssh + ", VS Code " + stats.session_count_vscode + ", JetBrains " + stats.session_count_jetbrains + ", terminals " + stats.session_count_reconnecting_pty],
    ["Connections", stats.connection_count + ", " + size(stats.rx_bytes) + " received and " + size(stats.tx_bytes) + " sent since the report before"],
    ["Metrics", stats.metrics + " series"], ["Reported", time(stats.received_at)],
  ];
}
function share({ used, total }) { return total > 0 ? Math.min(1, used / total) : 0; }
function usageRows(usage) {
  const last = usage[usage.length - 1];
  if (!last) return [];
  const row = (name, pick) => {
    const { used, total } = pick(last), part = share({ used, total });
    const meter = el("meter");
    meter.max = 1; meter.high = .9; meter.value = part;
    const before = usage.slice(-30).map(pick).filter(Boolean).map((u) => "▁▂▃▄▅▆▇█"[Math.min(7, Math.floor(share(u) * 8))]).join("");
    return [name, meter, Math.round(part * 100) + " %, " + size(used) + " of " + size(total), before];
  };
  return [
    ...(last.memory ? [row("Memory", (u) => u.memory)] : []),
    ...last.volumes.map(({ volume }) => row(volume, (u) => u.volumes.find((v) => v.volume === volume))),
  ];
}
async function showList() {
  const { agents } = await ask("/api/agents");
  if (!agents.some((agent) => agent.id === selected)) selected = agents[0].id;
  $("agents").replaceChildren(...agents.map((agent) => {
    const button = el("button");
    button.setAttribute("aria-current", String(agent.id === selected));
    button.append(el("span", agent.name, "dot " + agent.connection.replace(" ", "-")), el("small", agent.connection + ", " + agent.lifecycle + (agent.version ? ", " + agent.version : "")));
    button.onclick = () => { selected = agent.id; location.hash = selected; show(); };
    return button;
  }));
}
async function showAgent() {
  const path = "/api/agents/" + selected;
  const [agent, { logs }, { entries }] = await Promise.all([ask(path), ask(path + "/logs?limit=500"), ask(path + "/boundary?limit=100")]);
  $("agent").replaceChildren(
    ...section("Agent", table(["", ""], [
      ["Name", agent.owner + "/" + agent.workspace + "/" + agent.name], ["Id", agent.id], ["Connection", el("span", agent.connection, "dot " + agent.connection.replace(" ", "-"))],
      ["First connected", time(agent.first_connected_at)], ["Last seen", time(agent.last_connected_at)], ["Disconnected", time(agent.disconnected_at)],
      ["Directory", agent.startup ? agent.startup.directory : ""], ["API version", agent.startup ? agent.startup.api_version : ""],
      ["HTTP API", agent.has_tunnel ? "reachable under " + path + "/proxy/" : "not reachable"],
    ])),
    ...section("Life", table(["State", "Since"], agent.lifecycle_history.map((e) => [e.state, time(e.changed_at)]), "Nothing yet")),
    ...section("Metadata", table(["", "Value", "Error", "Collected"], agent.metadata.map((m) => [m.display_name, m.value, el("span", m.error, "error"), time(m.collected_at)]), "None asked for")),
    ...section("Resources", table(["", "", "Used", "Before"], usageRows(agent.usage), "Nothing reported yet")),
    ...section("Statistics", table(["", ""], statsRows(agent.stats), "Nothing reported yet")),
    ...section("Apps", table(["", "Health", "Status", "Message"], agent.apps.map((a) => [a.display_name, el("span", a.health, "dot " + a.health), a.status ? a.status.state : "", a.status ? a.status.message : ""]), "None")),
    ...section("Scripts", table(["", "Stage", "Status", "Exit code", "End"], agent.timings.map((t) => [t.script || t.script_id, t.stage, t.status, t.exit_code, time(t.end)]), "None has run")),
    ...section("Connections of people", table(["", "Type", "Address", "Time", "Reason"], agent.connections.map((c) => [c.action, c.type, c.ip || "", time(c.time), c.reason || ""]), "None")),
    ...section("Log", lines(logs.map((l) => [new Date(l.reported_at).toLocaleTimeString() + "  " + l.output, l.level]), "Nothing yet")),
    ...section("Network requests", lines(entries.map((e) => [time(e.time) + "  " + e.decision + "  " + e.method + " " + e.url, e.decision]), "None reported")),
  );
}
let running = false, again = false;
async function show() {
  if (running) { again = true; return; }
  running = true;
  try {
    do { again = false; await showList(); await showAgent(); $("state").textContent = "live"; } while (again);
  } catch (error) {
    $("state").textContent = String(error.message);
  } finally { running = false; }
}
const source = new EventSource("/api/events");
source.onopen = show;
source.onmessage = show;
source.onerror = () => { $("state").textContent = "connection lost, trying again"; };
`;

/** Sent with the page: its own script and style, its own server, and nothing else. */
export const LIVE_PAGE_POLICY: string = [
  "default-src 'none'",
  `script-src 'sha256-${createHash("sha256").update(SCRIPT).digest("base64")}'`,
  "style-src 'unsafe-inline'",
  "connect-src 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The page. */
export const LIVE_PAGE: string = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Control plane</title><style>${STYLE}</style></head>
<body><header><h1>Control plane</h1><a href="/chats">Chats</a><small id="state" role="status">connecting</small></header>
<main><nav id="agents" aria-label="Agents"></nav><article id="agent" aria-live="off"></article></main>
<script>${SCRIPT}</script></body></html>
`;
