/**
 * The page at `/chats`: all chats, one of them closely as it happens, and the repositories that it touches. It needs nothing
 * from outside the control plane.
 *
 * @module
 */
import { createHash } from "node:crypto";

import { CHAT_PAGE_SCRIPT } from "./chat_page_script.ts";
import { CHAT_PAGE_STYLE } from "./chat_page_style.ts";

/** Sent with the page: its own script and style, its own server, pictures inside of messages, and nothing else. */
export const CHAT_PAGE_POLICY: string = [
  "default-src 'none'",
  `script-src 'sha256-${createHash("sha256").update(CHAT_PAGE_SCRIPT).digest("base64")}'`,
  "style-src 'unsafe-inline'",
  "img-src data:",
  "connect-src 'self'",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join("; ");

/** The page. */
export const CHAT_PAGE: string = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Chats</title><style>${CHAT_PAGE_STYLE}</style></head>
<body><header><h1>Chats</h1><a href="/">Agents</a><small id="state" role="status">connecting</small></header>
<main id="page">
<nav aria-label="Chats">
<form id="new"><textarea id="prompt" aria-label="Task of a new chat" placeholder="What is to be done?" required></textarea>
<div class="row"><select id="agent" aria-label="Agent"></select><button class="main push">New chat</button></div>
<small id="no-model" hidden>There is no model: start the control plane with ANTHROPIC_API_KEY.</small></form>
<div class="trouble" id="trouble" role="alert" hidden></div>
<ul id="chats"></ul><p class="empty" id="none">There are no chats yet.</p></nav>
<section id="chat" aria-label="Chat" hidden>
<div class="bar"><h2 id="title"></h2><small id="facts"></small><span class="push"><button id="stop" type="button" hidden>Stop</button>
<button id="archive" type="button">Archive</button></span></div>
<div id="messages" role="log" aria-live="polite"></div>
<form id="say"><textarea id="text" aria-label="Message" placeholder="Say something" required></textarea>
<div class="row"><small>Ctrl+Enter sends</small><button class="main push">Send</button></div></form></section>
<aside aria-label="Repositories"><div class="bar"><h2>Repositories</h2><small id="git-state"></small>
<button class="push" id="refresh" type="button" disabled>Refresh</button></div>
<p class="empty" id="no-repo">Repositories appear here when the chat touches them.</p><div id="repos"></div>
<p class="empty" id="scanned"></p></aside></main>
<script>${CHAT_PAGE_SCRIPT}</script></body></html>
`;
