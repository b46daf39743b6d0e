// A pen's readings over the range: what is drawn, what is said of it. Pure.

import {
  type Answered,
  type Blank,
  type Column,
  type Line,
  type LivePoint,
  blankOf,
  blanksOf,
  breaksLine,
  joinLive,
  lineOf,
  meanOf,
} from "../../model/merge.ts";
import { staleAfterMs } from "../../model/present.ts";
import { msOf, msOrNull } from "../../model/times.ts";
import type { Hole, PointsAnswer, PointsSeries } from "../../rest/types/readings.ts";
import type { TagFacts } from "../../rest/types/wells.ts";
import type { Span } from "./ranges.ts";

/** What a range holds of a pen. min and max leave BAD out, mean is of the GOOD. */
export interface Summary {
  min: number | null;
  max: number | null;
  mean: number | null;
  n: number;
  good: number;
  /** Time with readings times the GOOD among them, and the whole of it [ms]. */
  goodMs: number;
  wholeMs: number;
}

export interface Curve {
  columns: readonly Column[];
  columnMs: number;
  line: Line;
  /** Nothing is known there. */
  blanks: Blank[];
  /** Readings are there, their quality was not kept. */
  unrated: Blank[];
  seamMs: number | null;
  summary: Summary;
}

/** The answer's own grid. */
export function answeredOf(answer: PointsAnswer): Answered {
  return {
    startMs: msOf(answer.start),
    endMs: msOf(answer.end),
    columnMs: answer.columnS * 1000,
    asOfMs: msOf(answer.asOf),
    storedUntilMs: msOrNull(answer.storedUntil),
  };
}

/** The series of a tag; where its unit was changed, the one of today's unit. */
export function seriesOf(answer: PointsAnswer, tagName: string, unit: string): PointsSeries | null {
  const all = answer.series.filter((one) => one.tagName === tagName);
  return all.find((one) => one.unit === unit) ?? all[0] ?? null;
}

/**
 * A pen over a range, history and live together. nowMs: nothing can be known after it; sinceMs: nor before
 * it, where nothing came.
 */
export function curveOf(
  answer: PointsAnswer,
  tag: TagFacts,
  live: readonly LivePoint[],
  span: Span,
  nowMs: number,
  sinceMs = -Infinity,
): Curve {
  const answered = answeredOf(answer);
  const series = seriesOf(answer, tag.tagName, tag.unit);
  const joined = joinLive(series, answered, live);
  const columns = joined.columns.filter((one) => one.lastMs >= span.fromMs && one.firstMs <= span.toMs);
  const { columnMs } = answered;
  const gapMs = staleAfterMs(tag);
  const of = (hole: Hole) => hole.connectionId === null || hole.connectionId === tag.connectionId;
  const known = answer.holes.filter(of);
  const holes = known.filter(breaksLine).map((hole) => blankOf(hole, nowMs));
  const unrated = known
    .filter((hole) => hole.reason === "quality_unknown")
    .map((hole) => blankOf(hole, nowMs));
  const untilMs = Math.min(span.toMs, nowMs);
  const knownMs = Math.max(span.fromMs, Math.min(sinceMs, columns[0]?.firstMs ?? untilMs));
  // what was read a moment ago is on its way: silence counts once it is longer than the tag's own
  const grid = { startMs: span.fromMs, endMs: untilMs, columnMs };
  const blanks = within(blanksOf(columns, grid, gapMs, holes), knownMs, untilMs);
  return {
    columns,
    columnMs,
    line: lineOf(columns, columnMs, gapMs, holes),
    blanks,
    unrated: within(unrated, span.fromMs, untilMs),
    seamMs: joined.seamMs,
    summary: summaryOf(columns, blanks, untilMs - knownMs),
  };
}

/** The column nearest to a moment that is not further off than a column, or the tag's own silence. */
export function columnAt(curve: Curve, atMs: number, tag: TagFacts): Column | null {
  if (curve.blanks.some((blank) => atMs > blank.fromMs && atMs < blank.toMs)) return null;
  let found: Column | null = null;
  let nearest = Infinity;
  for (const column of curve.columns) {
    const off = atMs < column.firstMs ? column.firstMs - atMs : Math.max(0, atMs - column.lastMs);
    if (off <= nearest) {
      found = column;
      nearest = off;
    }
  }
  // a value that is only told when it changes holds until then
  return nearest <= Math.max(curve.columnMs * 1.5, staleAfterMs(tag)) ? found : null;
}

/** The reading that stands out most from those around it; null where none does. */
export function standout(curve: Curve, leastHeight: number): { atMs: number; value: number } | null {
  const { line } = curve;
  let found: { atMs: number; value: number } | null = null;
  let most = leastHeight;
  for (let at = 1; at < line.x.length - 1; at++) {
    const [before, after] = [line.last[at - 1], line.first[at + 1]];
    const [low, high] = [line.min[at], line.max[at]];
    if (before == null || after == null || low == null || high == null) continue;
    const [above, below] = [high - Math.max(before, after), Math.min(before, after) - low];
    const out = Math.max(above, below);
    if (out <= most) continue;
    most = out;
    found = { atMs: (line.x[at] ?? 0) * 1000, value: above >= below ? high : low };
  }
  return found;
}

/** Blanks that all of them have: there a lane is empty. */
export function commonBlanks(all: readonly (readonly Blank[])[]): Blank[] {
  const [first, ...others] = all;
  if (first === undefined) return [];
  let common = merged(first);
  for (const other of others) {
    common = common.flatMap((one) =>
      merged(other)
        .map((two) => ({ ...one, ...overlap(one, two), reason: worded(one.reason, two.reason) }))
        .filter((two) => two.toMs > two.fromMs),
    );
  }
  return common;
}

function summaryOf(columns: readonly Column[], blanks: readonly Blank[], wholeMs: number): Summary {
  let [min, max]: [number | null, number | null] = [null, null];
  let [n, good] = [0, 0];
  for (const one of columns) {
    if (one.min !== null) min = min === null ? one.min : Math.min(min, one.min);
    if (one.max !== null) max = max === null ? one.max : Math.max(max, one.max);
    n += one.n;
    good += one.good;
  }
  const blankMs = merged(blanks).reduce((sum, one) => sum + one.toMs - one.fromMs, 0);
  const goodMs = n === 0 ? 0 : Math.max(0, wholeMs - blankMs) * (good / n);
  return { min, max, mean: meanOf(columns), n, good, goodMs, wholeMs };
}

function within(blanks: readonly Blank[], fromMs: number, toMs: number): Blank[] {
  return blanks
    .map((one) => ({ ...one, fromMs: Math.max(one.fromMs, fromMs), toMs: Math.min(one.toMs, toMs) }))
    .filter((one) => one.toMs > one.fromMs);
}

/** Blanks that touch are one; a told reason stays before silence. */
function merged(blanks: readonly Blank[]): Blank[] {
  const found: Blank[] = [];
  for (const one of [...blanks].sort((a, b) => a.fromMs - b.fromMs)) {
    const last = found.at(-1);
    if (last === undefined || one.fromMs > last.toMs) found.push({ ...one });
    else {
      last.toMs = Math.max(last.toMs, one.toMs);
      last.reason = worded(last.reason, one.reason);
    }
  }
  return found;
}

function worded(a: string, b: string): string {
  return a === "no_readings" ? b : a;
}

function overlap(one: Blank, two: Blank): Pick<Blank, "fromMs" | "toMs"> {
  return { fromMs: Math.max(one.fromMs, two.fromMs), toMs: Math.min(one.toMs, two.toMs) };
}
