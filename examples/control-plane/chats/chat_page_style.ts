/**
 * How the page of chats looks.
 *
 * @module
 */

/** Style sheet of the page. */
export const CHAT_PAGE_STYLE = `
:root { color-scheme: light dark; --line: #8884; --faint: #7a7a7a; --soft: #8881; --good: #2a9d5c; --bad: #d1495b; --busy: #c98a1b; --mine: #3b82f622 }
@media (prefers-color-scheme: dark) { :root { --faint: #9a9a9a } }
* { box-sizing: border-box } [hidden] { display: none !important }
html, body { height: 100% }
body { margin: 0; font: 14px/1.5 system-ui, sans-serif; display: grid; grid-template-rows: auto 1fr }
header { padding: .7rem 1.2rem; border-bottom: 1px solid var(--line); display: flex; gap: 1.2rem; align-items: baseline }
header a { color: inherit } h1 { font-size: 1.05rem; margin: 0 } small, .faint { color: var(--faint) }
#page { display: grid; grid-template-columns: minmax(13rem, 17rem) minmax(20rem, 1fr) minmax(18rem, 30rem); min-height: 0 }
#page > * { min-width: 0; min-height: 0; overflow: auto }
nav { border-right: 1px solid var(--line) } aside { border-left: 1px solid var(--line) }
button, select, textarea { font: inherit; color: inherit; background: var(--soft); border: 1px solid var(--line); border-radius: .4rem; padding: .35rem .7rem }
button { cursor: pointer } button:disabled { opacity: .5; cursor: default } button.main { background: #3b82f6; border-color: #3b82f6; color: #fff }
textarea { width: 100%; resize: vertical; min-height: 4.2rem; display: block } select { flex: 1; min-width: 0 } nav .row { flex-wrap: nowrap } nav .row button { white-space: nowrap } nav .trouble { margin: .8rem }
:focus-visible { outline: 2px solid #3b82f6; outline-offset: 1px }
form { display: grid; grid-template-columns: minmax(0, 1fr); gap: .5rem; padding: .8rem } .row { display: flex; gap: .5rem; align-items: center; flex-wrap: wrap } .push { margin-left: auto }
nav form { border-bottom: 1px solid var(--line) }
nav ul { list-style: none; margin: 0; padding: 0 }
nav li button { all: unset; box-sizing: border-box; display: block; width: 100%; padding: .5rem .9rem; cursor: pointer; border-bottom: 1px solid var(--line) }
nav li button:focus-visible { outline: 2px solid #3b82f6; outline-offset: -2px }
nav li.child button { padding-left: 1.9rem } nav li button[aria-current=true] { background: #8882 }
nav li span { display: block; overflow: hidden; text-overflow: ellipsis; white-space: nowrap }
.dot::before { content: ""; display: inline-block; width: .6em; height: .6em; border-radius: 50%; background: var(--faint); margin-right: .5em }
.dot.running::before, .dot.pending::before { background: var(--busy) } .dot.waiting::before, .dot.live::before { background: var(--good) } .dot.error::before { background: var(--bad) }
#chat { display: grid; grid-template: auto 1fr auto / minmax(0, 1fr); overflow: hidden }
.bar { display: flex; gap: .8rem; align-items: baseline; padding: .6rem 1.2rem; border-bottom: 1px solid var(--line) } .bar h2 { font-size: 1rem; margin: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap } .bar small { flex-shrink: 0 } .bar .push { display: flex; gap: .5rem; flex-shrink: 0 }
#messages { overflow: auto; min-width: 0; padding: 1rem 1.2rem; display: flex; flex-direction: column; gap: .6rem }
.said { white-space: pre-wrap; overflow-wrap: anywhere; max-width: 52rem }
.said.user { align-self: flex-end; background: var(--mine); border-radius: .7rem; padding: .45rem .8rem; max-width: 85% } .said.queued { opacity: .6 }
.said.thought { color: var(--faint); font-style: italic }
details.call { border: 1px solid var(--line); border-radius: .5rem; max-width: 60rem }
details.call summary { padding: .3rem .7rem; cursor: pointer; display: flex; gap: .6rem; align-items: baseline; list-style: none }
details.call summary::-webkit-details-marker { display: none }
.call b { font-weight: 600 } .call .what { font: 12px/1.5 ui-monospace, monospace; color: var(--faint); overflow: hidden; text-overflow: ellipsis; white-space: nowrap; flex: 1 }
.call .state { white-space: nowrap; font-size: .85em } .ok { color: var(--good) } .failed { color: var(--bad) } .open { color: var(--busy) }
pre { margin: 0; font: 12px/1.5 ui-monospace, monospace; white-space: pre-wrap; overflow-wrap: anywhere }
.call pre { padding: .5rem .7rem; border-top: 1px solid var(--line); max-height: 22rem; overflow: auto } .call img { max-width: 100%; display: block }
.trouble { border: 1px solid var(--bad); color: var(--bad); border-radius: .5rem; padding: .5rem .8rem; overflow-wrap: anywhere }
#say { border-top: 1px solid var(--line) }
.empty { padding: 1.2rem; color: var(--faint) }
aside section { padding: .8rem 1rem; border-bottom: 1px solid var(--line) } aside h3 { font-size: .95rem; margin: 0; overflow-wrap: anywhere }
.file { border: 1px solid var(--line); border-radius: .4rem; margin-top: .5rem; overflow: hidden }
.file summary { padding: .25rem .6rem; cursor: pointer; display: flex; gap: .6rem; background: var(--soft) } .file summary span:first-child { flex: 1; overflow-wrap: anywhere }
.file pre { overflow: auto; max-height: 30rem; white-space: pre; overflow-wrap: normal } .file pre span { display: block; padding: 0 .6rem }
.add { background: #2a9d5c2e } .del { background: #d1495b2e } .hunk { color: var(--faint) }
progress { width: 100% }
@media (max-width: 64rem) { #page { grid-template-columns: 14rem 1fr } aside { grid-column: 1 / -1; border-left: 0; border-top: 1px solid var(--line); max-height: 45vh } }
@media (max-width: 42rem) { #page { grid-template-columns: 1fr; overflow: auto } #page > * { overflow: visible } nav { border: 0 } }
`;
