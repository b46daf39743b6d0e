// A pen's line as points on a drawing: what is joined, what stands alone. Pure.

import type { Line } from "../../model/merge.ts";

export type Point = readonly [x: number, y: number];

export interface Strokes {
  /** Stretches that are joined; none crosses a gap. */
  lines: Point[][];
  /** Readings with a gap on both sides: they have no line, and are drawn as dots. */
  lone: Point[];
  /** Around each stretch, from its least to its greatest. */
  envelopes: Point[][];
}

export interface Projection {
  x: (seconds: number) => number;
  y: (value: number) => number;
  /** An extreme that is further from the line than this has the line go to it. */
  reach: number;
  stepped: boolean;
}

/**
 * The line goes through the last reading of each column, and to an extreme that sticks out of it.
 * The envelope has every extreme, also those that the line passes by.
 */
export function strokesOf(line: Line, by: Projection): Strokes {
  const found: Strokes = { lines: [], lone: [], envelopes: [] };
  let stretch: Point[] = [];
  let above: Point[] = [];
  let below: Point[] = [];
  const end = () => {
    if (above.length === 1 && stretch.length === 1) found.lone.push(...stretch);
    else if (stretch.length > 0) found.lines.push(stretch);
    if (above.length > 1) found.envelopes.push([...above, ...below.reverse()]);
    [stretch, above, below] = [[], [], []];
  };
  for (let at = 0; at < line.x.length; at++) {
    const [first, last] = [line.first[at], line.last[at]];
    const [min, max] = [line.min[at], line.max[at]];
    if (first == null || last == null || min == null || max == null) {
      end();
      continue;
    }
    const x = by.x(line.x[at] ?? 0);
    const [top, bottom] = [by.y(max), by.y(min)];
    const [from, to] = [by.y(first), by.y(last)];
    const before = stretch.at(-1);
    if (by.stepped && before !== undefined) stretch.push([x, before[1]]);
    if (Math.abs(from - to) > by.reach) stretch.push([x, from]);
    if (Math.min(from, to) - top > by.reach) stretch.push([x, top]);
    if (bottom - Math.max(from, to) > by.reach) stretch.push([x, bottom]);
    stretch.push([x, to]);
    above.push([x, top]);
    below.push([x, bottom]);
  }
  end();
  return found;
}

/** Labels that would overlap are moved apart, in their order; each keeps as near as it can. */
export function spread(wanted: readonly number[], height: number, low: number, high: number): number[] {
  const order = wanted.map((y, index) => ({ y, index })).sort((a, b) => a.y - b.y);
  let floor = low;
  for (const one of order) {
    one.y = Math.max(one.y, floor);
    floor = one.y + height;
  }
  let ceiling = high;
  for (const one of [...order].reverse()) {
    one.y = Math.min(one.y, ceiling);
    ceiling = one.y - height;
  }
  const found: number[] = new Array<number>(wanted.length).fill(0);
  for (const one of order) found[one.index] = one.y;
  return found;
}

/** What changes of quality there are, as stretches of pixels of one kind. */
export function ribbonOf(
  columns: readonly { startMs: number; worst: 0 | 1 | 2 }[],
  columnMs: number,
): { fromMs: number; toMs: number; level: 1 | 2 }[] {
  const found: { fromMs: number; toMs: number; level: 1 | 2 }[] = [];
  for (const { startMs, worst } of columns) {
    if (worst === 0) continue;
    const last = found.at(-1);
    if (last !== undefined && last.level === worst && startMs - last.toMs < columnMs * 0.5) {
      last.toMs = startMs + columnMs;
    } else found.push({ fromMs: startMs, toMs: startMs + columnMs, level: worst });
  }
  return found;
}
