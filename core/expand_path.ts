/**
 * Paths as a control plane writes them: with `~`, variables, or relative to the home directory.
 *
 * @module
 */
import { isAbsolute, join, normalize } from "@std/path";

import type { Variables } from "./plugin.ts";

/** `$NAME` and `${NAME}` replaced; unknown names become empty. */
export function expandVariables(text: string, variables: Variables): string {
  return text.replace(
    /\$(?:\{([^}]*)\}|([A-Za-z_][A-Za-z0-9_]*))/g,
    (_, braced, plain) => variables[braced ?? plain] ?? "",
  );
}

/** An absolute path; empty stays empty, and so does a path that needs a home when there is none. */
export function expandPath(path: string, variables: Variables): string {
  if (path === "") return "";
  const home = variables.HOME ?? "";
  const expanded = expandVariables(path === "~" || path.startsWith("~/") ? `${home}${path.slice(1)}` : path, variables);
  if (isAbsolute(expanded)) return normalize(expanded);
  return home === "" ? "" : join(home, expanded);
}
