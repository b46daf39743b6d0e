// History and live in one series: without a hole, without a double point, and never a line over
// a gap. Times are epoch milliseconds.

import type { Hole, PointsSeries, Quality, WireBucket } from "../rest/types/readings.ts";
import { levelOf } from "./quality.ts";
import { msOf } from "./times.ts";

/** A reading that came live. receivedMs: when its worker got it; heardMs: when this screen did. */
export interface LivePoint {
  tMs: number;
  value: number | null;
  quality: Quality;
  receivedMs: number;
  heardMs: number;
}

/** One pixel column. first, last, min and max leave BAD readings out; null where all are. */
export interface Column {
  startMs: number;
  first: number | null;
  last: number | null;
  min: number | null;
  max: number | null;
  n: number;
  good: number;
  worst: 0 | 1 | 2;
  firstMs: number;
  lastMs: number;
  /** Of the GOOD readings; over a range: sum of mean * good by sum of good. */
  mean: number | null;
}

export interface Joined {
  columns: Column[];
  /** From here on it is the live feed's; null where all of it is stored. */
  seamMs: number | null;
}

export interface Grid {
  startMs: number;
  endMs: number;
  columnMs: number;
}

/** What the store answered: its grid, when, and up to which receipt it had everything. */
export interface Answered extends Grid {
  asOfMs: number;
  storedUntilMs: number | null;
}

/** A bucket as it came. */
export function columnOf(bucket: WireBucket): Column {
  const [startMs, first, last, min, max, n, good, worst, firstMs, lastMs, mean] = bucket;
  const times = { firstMs: firstMs ?? startMs, lastMs: lastMs ?? startMs };
  return { startMs, first, last, min, max, n, good, worst, mean, ...times };
}

/**
 * Puts live readings behind what is stored, on a grid that goes on past the answer's end. What was
 * received before storedUntil is in the answer. What was received later may be in it, too: then it
 * is not newer than what the answer has of its tag, and it widens its column without being counted.
 */
export function joinLive(
  series: PointsSeries | null,
  answered: Answered,
  live: readonly LivePoint[],
): Joined {
  const stored = series === null ? [] : series.buckets.map(columnOf);
  const columns = new Map<number, Column>(stored.map((one) => [one.startMs, one]));
  const lastStoredMs = stored.reduce((most, one) => Math.max(most, one.lastMs), -Infinity);
  const seen = new Set<number>();
  let seamMs: number | null = null;
  for (const point of live) {
    if (point.tMs < answered.startMs || seen.has(point.tMs)) continue;
    seen.add(point.tMs);
    if (answered.storedUntilMs !== null && point.receivedMs < answered.storedUntilMs) continue;
    const mayBeStored = point.heardMs <= answered.asOfMs && point.tMs <= lastStoredMs;
    const startMs = columnStart(point.tMs, answered);
    columns.set(startMs, withPoint(columns.get(startMs), startMs, point, !mayBeStored));
    if (!mayBeStored && (seamMs === null || point.tMs < seamMs)) seamMs = point.tMs;
  }
  const ordered = [...columns.values()].sort((a, b) => a.startMs - b.startMs);
  return { columns: ordered, seamMs };
}

/** Where the column of a moment starts. */
export function columnStart(ms: number, grid: Grid): number {
  return grid.startMs + Math.floor((ms - grid.startMs) / grid.columnMs) * grid.columnMs;
}

/** A column with one more reading in it. isCounted false: it may be among those counted already. */
export function withPoint(
  column: Column | undefined,
  startMs: number,
  point: Pick<LivePoint, "tMs" | "value" | "quality">,
  isCounted = true,
): Column {
  const level = levelOf(point.quality);
  const value = level === 2 ? null : point.value;
  const worst = point.value === null ? 2 : level;
  const isGood = level === 0 && value !== null;
  if (column === undefined) {
    return {
      startMs,
      first: value,
      last: value,
      min: value,
      max: value,
      n: 1,
      good: isGood ? 1 : 0,
      worst,
      firstMs: point.tMs,
      lastMs: point.tMs,
      mean: isGood ? value : null,
    };
  }
  const isFirst = point.tMs < column.firstMs;
  const isLast = point.tMs >= column.lastMs;
  const good = column.good + (isCounted && isGood ? 1 : 0);
  const mean =
    isCounted && isGood ? ((column.mean ?? 0) * column.good + value) / good : column.mean;
  return {
    startMs,
    first: value !== null && (isFirst || column.first === null) ? value : column.first,
    last: value !== null && (isLast || column.last === null) ? value : column.last,
    min: least(column.min, value),
    max: most(column.max, value),
    n: column.n + (isCounted ? 1 : 0),
    good,
    worst: worst > column.worst ? worst : column.worst,
    firstMs: Math.min(column.firstMs, point.tMs),
    lastMs: Math.max(column.lastMs, point.tMs),
    mean,
  };
}

/** Readings of one tag from both sides, by time, each time once; the stored one stays. */
export function mergeReadings<R extends { tMs: number }>(
  stored: readonly R[],
  live: readonly R[],
): R[] {
  const found = new Map<number, R>();
  for (const one of live) if (!found.has(one.tMs)) found.set(one.tMs, one);
  for (const one of stored) found.set(one.tMs, one);
  return [...found.values()].sort((a, b) => a.tMs - b.tMs);
}

/** A series as a plot takes it: equally long arrays, null where the line must break. */
export interface Line {
  /** Epoch seconds, as uPlot counts. */
  x: number[];
  first: (number | null)[];
  last: (number | null)[];
  min: (number | null)[];
  max: (number | null)[];
  /** 0 GOOD, 1 UNCERTAIN, 2 BAD; null: no reading. */
  worst: (0 | 1 | 2 | null)[];
}

/** A stretch without readings, or that was never stored. */
export interface Blank {
  fromMs: number;
  toMs: number;
  reason: string;
}

/**
 * Breaks the line wherever nothing is known between two columns: silence longer than gapAfterMs,
 * a hole that the store or the feed tells of, or a column of BAD readings alone.
 */
export function lineOf(
  columns: readonly Column[],
  columnMs: number,
  gapAfterMs: number,
  holes: readonly Blank[] = [],
): Line {
  const line: Line = { x: [], first: [], last: [], min: [], max: [], worst: [] };
  let before: Column | null = null;
  for (const column of columns) {
    if (before !== null && isBroken(before, column, columnMs, gapAfterMs, holes)) {
      push(line, (before.lastMs + column.firstMs) / 2, null);
    }
    push(line, (column.firstMs + column.lastMs) / 2, column);
    before = column;
  }
  return line;
}

/** The stretches without a reading within a range, to be hatched; also before and after all. */
export function blanksOf(
  columns: readonly Column[],
  grid: Grid,
  gapAfterMs: number,
  holes: readonly Blank[] = [],
): Blank[] {
  const found: Blank[] = [];
  const longest = Math.max(gapAfterMs, grid.columnMs * 1.5);
  let lastMs: number | null = null;
  for (const column of columns) {
    const fromMs = lastMs ?? grid.startMs;
    if (column.firstMs - fromMs > longest) {
      found.push({ fromMs, toMs: column.firstMs, reason: "no_readings" });
    }
    lastMs = column.lastMs;
  }
  if (lastMs === null) found.push({ fromMs: grid.startMs, toMs: grid.endMs, reason: "no_readings" });
  else if (grid.endMs - lastMs > longest) {
    found.push({ fromMs: lastMs, toMs: grid.endMs, reason: "no_readings" });
  }
  found.push(...holes.filter((one) => one.toMs > grid.startMs && one.fromMs < grid.endMs));
  return found.sort((a, b) => a.fromMs - b.fromMs);
}

/** A hole as the gateway tells it; one that lasts reaches to untilMs. */
export function blankOf(hole: Hole, untilMs: number): Blank {
  const toMs = hole.to === null ? untilMs : msOf(hole.to);
  return { fromMs: msOf(hole.from), toMs, reason: hole.reason };
}

/** Whether a line must break there. Of quality_unknown only the ribbon is unknown; what is catching
 * up comes live. */
export function breaksLine(hole: Pick<Hole, "reason">): boolean {
  return hole.reason !== "quality_unknown" && hole.reason !== "catching_up";
}

/** Mean of the GOOD readings of a range; null where there are none. */
export function meanOf(columns: readonly Column[]): number | null {
  let sum = 0;
  let good = 0;
  for (const column of columns) {
    if (column.mean === null) continue;
    sum += column.mean * column.good;
    good += column.good;
  }
  return good === 0 ? null : sum / good;
}

function isBroken(
  before: Column,
  after: Column,
  columnMs: number,
  gapAfterMs: number,
  holes: readonly Blank[],
): boolean {
  const silence = after.firstMs - before.lastMs;
  if (silence > Math.max(gapAfterMs, columnMs * 1.5)) return true;
  return holes.some((hole) => hole.fromMs < after.firstMs && hole.toMs > before.lastMs);
}

function push(line: Line, atMs: number, column: Column | null): void {
  line.x.push(atMs / 1000);
  line.first.push(column?.first ?? null);
  line.last.push(column?.last ?? null);
  line.min.push(column?.min ?? null);
  line.max.push(column?.max ?? null);
  line.worst.push(column === null ? null : column.worst);
}

function least(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.min(a, b);
}

function most(a: number | null, b: number | null): number | null {
  if (a === null || b === null) return a ?? b;
  return Math.max(a, b);
}
