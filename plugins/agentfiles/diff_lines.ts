/**
 * Line differences after Eugene Myers, "An O(ND) Difference Algorithm and Its Variations" (1986), in the variant that needs
 * linear space: find the middle of a shortest edit script, then solve both halves.
 *
 * @module
 */

/** Old lines `oldStart` to `oldEnd` became new lines `newStart` to `newEnd`; zero-based, ends exclusive. */
export interface Change {
  readonly oldStart: number;
  readonly oldEnd: number;
  readonly newStart: number;
  readonly newEnd: number;
}

/**
 * Edit distance searched per part before it is given up and shown as replaced whole. Time grows with the square: 2,000 steps
 * take some tens of milliseconds.
 */
const MAX_DISTANCE = 2000;

/**
 * What changed between two lists of lines, in order, never adjacent. The result always leads from old to new; it is the
 * shortest unless the texts differ in thousands of lines.
 */
export function diffLines(oldLines: readonly string[], newLines: readonly string[]): Change[] {
  const ids = new Map<string, number>();
  const search = new MiddleSearch(numbersOf(oldLines, ids), numbersOf(newLines, ids));
  search.solve(0, oldLines.length, 0, newLines.length);
  return search.changes;
}

function numbersOf(lines: readonly string[], ids: Map<string, number>): Int32Array {
  const numbers = new Int32Array(lines.length);
  for (const [index, line] of lines.entries()) {
    let id = ids.get(line);
    if (id === undefined) ids.set(line, id = ids.size);
    numbers[index] = id;
  }
  return numbers;
}

/** A point both halves of a shortest script go through. */
interface Middle {
  readonly x: number;
  readonly y: number;
}

class MiddleSearch {
  readonly changes: Change[] = [];
  readonly #forward: Int32Array;
  readonly #backward: Int32Array;

  constructor(readonly before: Int32Array, readonly after: Int32Array) {
    const size = 2 * Math.min(MAX_DISTANCE, before.length + after.length) + 5;
    this.#forward = new Int32Array(size);
    this.#backward = new Int32Array(size);
  }

  solve(oldStart: number, oldEnd: number, newStart: number, newEnd: number): void {
    const { before, after } = this;
    while (oldStart < oldEnd && newStart < newEnd && before[oldStart] === after[newStart]) oldStart++, newStart++;
    while (oldStart < oldEnd && newStart < newEnd && before[oldEnd - 1] === after[newEnd - 1]) oldEnd--, newEnd--;
    if (oldStart === oldEnd && newStart === newEnd) return;
    const middle = oldStart === oldEnd || newStart === newEnd
      ? undefined
      : this.#middle(oldStart, oldEnd, newStart, newEnd);
    if (middle === undefined) return this.#record({ oldStart, oldEnd, newStart, newEnd });
    this.solve(oldStart, middle.x, newStart, middle.y);
    this.solve(middle.x, oldEnd, middle.y, newEnd);
  }

  /** Adds a change, joined to the previous one when they touch. */
  #record(change: Change): void {
    const last = this.changes.at(-1);
    if (last !== undefined && last.oldEnd === change.oldStart && last.newEnd === change.newStart) {
      this.changes[this.changes.length - 1] = { ...change, oldStart: last.oldStart, newStart: last.newStart };
    } else this.changes.push(change);
  }

  /**
   * Searches from both corners at once until the paths meet.
   *
   * @returns `undefined` when the parts have nothing in common or are too far apart.
   */
  #middle(oldStart: number, oldEnd: number, newStart: number, newEnd: number): Middle | undefined {
    const { before, after } = this;
    const width = oldEnd - oldStart;
    const height = newEnd - newStart;
    const delta = width - height;
    const odd = (delta & 1) !== 0;
    const limit = Math.min(MAX_DISTANCE, (width + height + 1) >> 1);
    const forward = this.#forward;
    const backward = this.#backward;
    const zero = (forward.length - 1) >> 1;
    for (let distance = 0; distance <= limit; distance++) {
      for (let k = -distance; k <= distance; k += 2) {
        let x = reach(forward, zero, { k, distance, width, height });
        let y = x - k;
        if (x >= 0) { while (x < width && y < height && before[oldStart + x] === after[newStart + y]) x++, y++; }
        forward[zero + k] = x;
        const mirror = delta - k;
        if (x < 0 || !odd || Math.abs(mirror) > distance - 1) continue;
        const other = at(backward, zero + mirror);
        if (other >= 0 && x + other >= width) {
          return this.#inside(oldStart + x, newStart + y, [oldStart, oldEnd, newStart, newEnd]);
        }
      }
      for (let k = -distance; k <= distance; k += 2) {
        let x = reach(backward, zero, { k, distance, width, height });
        let y = x - k;
        if (x >= 0) { while (x < width && y < height && before[oldEnd - 1 - x] === after[newEnd - 1 - y]) x++, y++; }
        backward[zero + k] = x;
        const mirror = delta - k;
        if (x < 0 || odd || Math.abs(mirror) > distance) continue;
        const other = at(forward, zero + mirror);
        if (other >= 0 && x + other >= width) {
          return this.#inside(oldEnd - x, newEnd - y, [oldStart, oldEnd, newStart, newEnd]);
        }
      }
    }
    return undefined;
  }

  /** A middle is only useful strictly inside: at a corner the problem would not get smaller. */
  #inside(
    x: number,
    y: number,
    [oldStart, oldEnd, newStart, newEnd]: readonly [number, number, number, number],
  ): Middle | undefined {
    const corner = (x === oldStart && y === newStart) || (x === oldEnd && y === newEnd);
    const outside = x < oldStart || x > oldEnd || y < newStart || y > newEnd;
    return corner || outside ? undefined : { x, y };
  }
}

/** Marks a diagonal on which no point inside the box is reachable. */
const UNREACHABLE = -1;

/** How far one step more leads on diagonal `k`, before equal lines are followed. */
function reach(
  row: Int32Array,
  zero: number,
  { k, distance, width, height }: {
    readonly k: number;
    readonly distance: number;
    readonly width: number;
    readonly height: number;
  },
): number {
  if (distance === 0) return 0;
  const left = k > -distance ? at(row, zero + k - 1) : UNREACHABLE;
  const above = k < distance ? at(row, zero + k + 1) : UNREACHABLE;
  const right = left >= 0 && left < width ? left + 1 : UNREACHABLE;
  const down = above >= 0 && above - k <= height ? above : UNREACHABLE;
  return Math.max(right, down);
}

function at(array: Int32Array, index: number): number {
  return array[index] as number;
}
