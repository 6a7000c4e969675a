/**
 * What the page of chats does in the browser: plain JavaScript, as it is sent.
 *
 * @module
 */

/** Script of the page. */
export const CHAT_PAGE_SCRIPT = String.raw`
"use strict";
const API = "/api/experimental/chats";
const MAX_DIFF_LINES = 2000;
const $ = (id) => document.getElementById(id);
function el(tag, className, ...children) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  node.append(...children);
  return node;
}
async function ask(path, body, method) {
  const init = body === undefined ? {} : { method: method || "POST", body: JSON.stringify(body) };
  const response = await fetch(API + path, init);
  const answer = await response.json();
  if (response.ok) return answer;
  const details = [answer.detail].concat((answer.validations || []).map((v) => v.detail)).filter(Boolean);
  throw new Error([answer.message].concat(details).join(": "));
}
function attempt(work) {
  return (event) => {
    event.preventDefault();
    $("trouble").hidden = true;
    work(event).catch((error) => { $("trouble").hidden = false; $("trouble").textContent = error.message; });
  };
}

// The list of chats.
let selected = decodeURIComponent(location.hash.slice(1));
let listing = false, listAgain = false;
async function showList() {
  if (listing) { listAgain = true; return; }
  listing = true;
  try {
    do {
      listAgain = false;
      const { chats, models } = await ask("");
      const roots = chats.filter((chat) => !chats.some((other) => other.id === chat.parent_chat_id));
      const items = roots.flatMap((root) => [root, ...chats.filter((chat) => chat.parent_chat_id === root.id).reverse()]);
      $("chats").replaceChildren(...items.map((chat) => {
        const button = el("button", "", el("span", "dot " + chat.status, chat.title), el("small", "", chat.status + (chat.workspace ? ", " + chat.workspace : "")));
        button.setAttribute("aria-current", String(chat.id === selected));
        button.onclick = () => select(chat.id);
        return el("li", chat.parent_chat_id ? "child" : "", button);
      }));
      $("none").hidden = chats.length > 0;
      $("no-model").hidden = models.length > 0;
      for (const button of document.querySelectorAll("button.main")) button.disabled = models.length === 0;
      if (!selected && items.length > 0) select(items[0].id);
    } while (listAgain);
    $("state").textContent = "live";
  } catch (error) { $("state").textContent = error.message; } finally { listing = false; }
}
async function showAgents() {
  const { agents } = await (await fetch("/api/agents")).json();
  $("agent").replaceChildren(...agents.map((agent) => {
    const option = el("option", "", agent.name + " (" + agent.connection + ")");
    option.value = agent.id;
    return option;
  }));
}
$("new").onsubmit = attempt(async () => {
  const chat = await ask("", { agent: $("agent").value, prompt: $("prompt").value });
  $("prompt").value = "";
  select(chat.id);
});

// One chat.
let stream, calls, chat, queued = [];
function select(id) {
  selected = id;
  history.replaceState(null, "", "#" + encodeURIComponent(id));
  for (const button of document.querySelectorAll("#chats button")) button.setAttribute("aria-current", "false");
  if (stream) stream.close();
  calls = new Map(); chat = undefined; queued = [];
  $("messages").replaceChildren();
  $("chat").hidden = false;
  stream = new EventSource(API + "/" + id + "/stream");
  stream.addEventListener("message", ({ data }) => keepingEnd(() => showMessage(JSON.parse(data))));
  stream.addEventListener("queue", ({ data }) => { queued = JSON.parse(data).messages; keepingEnd(showTail); });
  stream.addEventListener("chat", ({ data }) => { chat = JSON.parse(data); keepingEnd(showTail); });
  watchGit(id);
  showList();
}
function keepingEnd(work) {
  const box = $("messages");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 40;
  work();
  if (atEnd) box.scrollTop = box.scrollHeight;
}
function showMessage({ role, content }) {
  for (const block of content) {
    if (block.type === "tool_result") { showResult(block); continue; }
    const node = block.type === "text" ? el("div", "said " + role, block.text)
      : block.type === "thinking" ? el("div", "said thought", block.thinking)
      : block.type === "tool_use" ? callNode(block) : undefined;
    if (node) $("messages").append(node);
  }
  showTail();
}
function callNode({ id, name, input }) {
  const state = el("span", "state open", "running");
  const what = input.command || input.path || (input.files || []).map((file) => file.path).join(" ") || input.title || input.prompt || input.process_id || input.chat_id || "";
  const node = el("details", "call", el("summary", "", el("b", "", name), el("span", "what", String(what)), state), el("pre", "faint", pretty(input)));
  calls.set(id, { node, state });
  return node;
}
function showResult({ tool_use_id, content, is_error }) {
  const call = calls.get(tool_use_id);
  if (!call) return;
  const parts = typeof content === "string" ? [{ type: "text", text: content }] : content;
  let value = {};
  try { value = JSON.parse(parts[0].text); } catch { /* The words of an error, or a picture. */ }
  const failed = is_error || value.success === false;
  call.state.className = "state " + (failed ? "failed" : "ok");
  call.state.textContent = value.exit_code !== undefined && !value.background_process_id ? "exit code " + value.exit_code : failed ? "failed" : "done";
  for (const part of parts) {
    if (part.type !== "image") { call.node.append(el("pre", failed ? "failed" : "", describe(value, part.text))); continue; }
    const image = el("img");
    image.src = "data:" + part.source.media_type + ";base64," + part.source.data;
    image.alt = "Picture from the tool";
    call.node.append(image);
  }
}
function pretty(value) {
  const lines = Object.entries(value).map(([key, part]) => key + ": " + (typeof part === "string" ? part : JSON.stringify(part, null, 2)));
  return lines.join("\n") || "no arguments";
}
function describe(value, text) {
  const facts = value.output !== undefined || value.error ? [value.output, value.error, value.note] : value.content !== undefined ? [value.content] : value.files ? value.files.map((file) => file.diff) : value.report !== undefined ? [value.report] : undefined;
  return facts ? facts.filter(Boolean).join("\n") : text;
}
/** What stands below the messages: what is queued, what went wrong; and the bar above. */
function showTail() {
  for (const node of document.querySelectorAll("#messages .tail")) node.remove();
  for (const { content } of queued) $("messages").append(el("div", "said user queued tail", content.map((block) => block.text || "").join("\n")));
  if (!chat) return;
  if (chat.last_error) $("messages").append(el("div", "trouble tail", chat.last_error));
  $("title").textContent = chat.title;
  $("facts").className = "dot " + chat.status;
  $("facts").textContent = [chat.status, chat.workspace, chat.model].filter(Boolean).join(", ");
  const busy = chat.status === "running" || chat.status === "pending";
  $("stop").hidden = !busy;
  $("archive").textContent = chat.archived ? "Unarchive" : "Archive";
}
$("say").onsubmit = attempt(async () => {
  await ask("/" + selected + "/messages", { text: $("text").value });
  $("text").value = "";
  $("messages").scrollTop = $("messages").scrollHeight;
});
for (const [box, form] of [["text", "say"], ["prompt", "new"]]) {
  $(box).onkeydown = (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $(form).requestSubmit(); };
}
$("stop").onclick = attempt(() => ask("/" + selected + "/interrupt", {}));
$("archive").onclick = attempt(async () => { await ask("/" + selected, { archived: !chat.archived }, "PATCH"); await showList(); });

// The repositories of the chat.
let git, repos, retry;
function watchGit(id) {
  clearTimeout(retry);
  if (git) { git.onclose = null; git.close(); }
  repos = new Map();
  showRepos();
  gitState("", "connecting");
  git = new WebSocket(location.origin.replace(/^http/, "ws") + API + "/" + id + "/git/watch");
  git.onopen = () => gitState("live", "live");
  git.onmessage = ({ data }) => showChange(JSON.parse(data));
  git.onclose = () => {
    // A plain request to the same route says why it is refused.
    fetch(API + "/" + id + "/git/watch").then((response) => response.json()).then(({ message, code }) => {
      if (selected === id) gitState("error", /WebSocket only/.test(message) ? "connection lost, trying again" : message);
    }, () => gitState("error", "connection lost, trying again"));
    retry = setTimeout(() => { if (selected === id) watchGit(id); }, 5000);
  };
}
function gitState(className, text) { $("git-state").className = "dot " + className; $("git-state").textContent = text; $("refresh").disabled = className !== "live"; }
$("refresh").onclick = () => git.send(JSON.stringify({ type: "refresh" }));
function showChange(message) {
  if (message.type === "error") return gitState("error", message.message);
  if (message.type === "progress") {
    const { repo_root, branch, processed_files, total_files } = message;
    repos.set(repo_root, { ...repos.get(repo_root), repo_root, branch, progress: message.complete ? undefined : [processed_files, total_files] });
  } else {
    $("scanned").textContent = "scanned " + new Date(message.scanned_at).toLocaleTimeString();
    for (const repo of message.repositories || []) {
      if (repo.removed) repos.delete(repo.repo_root); else repos.set(repo.repo_root, repo);
    }
  }
  showRepos();
}
function showRepos() {
  const closed = new Set([...document.querySelectorAll("#repos details:not([open])")].map((node) => node.dataset.key));
  $("no-repo").hidden = repos.size > 0;
  $("repos").replaceChildren(...[...repos.values()].sort((a, b) => a.repo_root < b.repo_root ? -1 : 1).map((repo) => {
    const files = filesOf(repo.unified_diff || "");
    const count = (kind) => files.reduce((sum, file) => sum + file[kind], 0);
    const summary = files.length === 0 ? "clean" : files.length + (files.length === 1 ? " file, +" : " files, +") + count("added") + " -" + count("removed");
    const node = el("section", "", el("h3", "", repo.repo_root), el("small", "", [repo.branch || "detached HEAD", repo.remote_origin, summary].filter(Boolean).join(" · ")));
    if (repo.progress) { const bar = el("progress"); [bar.value, bar.max] = repo.progress; node.append(bar); }
    if (repo.truncated) node.append(el("p", "faint", "Some files are too large to show."));
    for (const file of files) {
      const box = el("details", "file", el("summary", "", el("span", "", file.name), el("span", "ok", "+" + file.added), el("span", "failed", "-" + file.removed)), diffNode(file.lines));
      box.dataset.key = repo.repo_root + "\n" + file.name;
      box.open = !closed.has(box.dataset.key);
      node.append(box);
    }
    return node;
  }));
}
function filesOf(diff) {
  const files = [];
  for (const line of diff.replace(/\n$/, "").split("\n")) {
    if (line.startsWith("diff --git ")) files.push({ name: line.slice(11), lines: [], added: 0, removed: 0, inHunk: false });
    const file = files[files.length - 1];
    if (!file) continue;
    if (line.startsWith("@@")) file.inHunk = true;
    if (!file.inHunk) {
      const [, path] = /^(?:\+\+\+|---) "?[ab]\/(.*?)"?\t?$/.exec(line) || [];
      if (path) file.name = path;
      else if (/^(new file|deleted file|rename|Binary|old mode|new mode)/.test(line)) file.lines.push(line);
      continue;
    }
    file.lines.push(line);
    if (line[0] === "+") file.added++; else if (line[0] === "-") file.removed++;
  }
  return files;
}
function diffNode(lines) {
  const kinds = { "+": "add", "-": "del", "@": "hunk" };
  const node = el("pre", "", ...lines.slice(0, MAX_DIFF_LINES).map((line) => el("span", kinds[line[0]] || "", line || " ")));
  if (lines.length > MAX_DIFF_LINES) node.append(el("span", "hunk", (lines.length - MAX_DIFF_LINES) + " more lines"));
  return node;
}

const events = new EventSource(API + "/events");
events.onopen = events.onmessage = showList;
events.onerror = () => { $("state").textContent = "connection lost, trying again"; };
const agentEvents = new EventSource("/api/events");
agentEvents.onopen = agentEvents.onmessage = showAgents;
addEventListener("hashchange", () => select(decodeURIComponent(location.hash.slice(1))));
if (selected) select(selected);
`;
