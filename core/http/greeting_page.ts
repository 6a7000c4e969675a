/**
 * The page a browser gets at `/`.
 *
 * @module
 */
import { html, raw } from "hono/html";

/** One plugin on the page. */
export interface GreetedPlugin {
  readonly id: string;
  readonly state: string;
  readonly summary: string;
  /** Path to open, when the plugin has something to see. */
  readonly link?: string;
}

const STYLE = raw(
  "body{font:16px/1.5 system-ui,sans-serif;max-width:48rem;margin:3rem auto;padding:0 1rem;color-scheme:light dark}" +
    "td,th{text-align:left;padding:.25rem 1rem .25rem 0;vertical-align:top}",
);

const LINKS = ["/api/v0/info", "/readyz", "/healthz", "/metrics"];

/** A small page without scripts: what runs here, and where to look. */
export function greetingPage(greeting: string, plugins: readonly GreetedPlugin[]): string {
  const rows = plugins.map(({ id, state, summary, link }) =>
    html`
      <tr>
        <td>${link ? html`<a href="${link}">${id}</a>` : id}</td>
        <td>${state}</td>
        <td>${summary}</td>
      </tr>
    `
  );
  const links = LINKS.map((path) => html`<li><a href="${path}">${path}</a></li>`);
  return String(
    html`
      <!DOCTYPE html>
      <html lang="en">
        <head>
          <meta charset="utf-8">
          <title>Outpost</title>
          <style>${STYLE}</style>
        </head>
        <body>
          <h1>Outpost</h1>
          <p>${greeting}</p>
          <table><tr><th>Plugin</th><th>State</th><th>What it does</th></tr>${rows}</table>
          <ul>${links}</ul>
        </body>
      </html>
    `,
  );
}
