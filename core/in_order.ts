/**
 * Runs a step for many plugins at once, each as soon as those it waits for are done. Results do not depend on timing.
 *
 * @module
 */

/** Runs `step` for every id after the ids that `waitsFor` names; unknown ids are not waited for. */
export async function inOrder(
  ids: readonly string[],
  waitsFor: (id: string) => readonly string[],
  step: (id: string) => Promise<void>,
): Promise<void> {
  const known = new Set(ids);
  const done = new Map<string, Promise<void>>();
  function begin(id: string): Promise<void> {
    const present = done.get(id);
    if (present !== undefined) return present;
    const waits = waitsFor(id).filter((other) => known.has(other) && other !== id);
    const result = Promise.all(waits.map(begin)).then(() => step(id));
    done.set(id, result);
    return result;
  }
  await Promise.all(ids.map(begin));
}
