// The columns of a small trend: history and live in one. Pure.

import { type LivePoint, breaksLine, joinLive } from "../../model/merge.ts";
import { msOf } from "../../model/times.ts";
import type { SparkColumns } from "../../parts/spark-shape.ts";
import type { PointsAnswer } from "../../rest/types/readings.ts";

export interface SmallTrend {
  columns: SparkColumns;
  fromMs: number;
  toMs: number;
}

/** The last lengthMs until nowMs, on the answer's grid. Empty columns stay empty: a gap is a gap. */
export function smallTrend(
  answer: PointsAnswer,
  tagName: string,
  live: readonly LivePoint[],
  lengthMs: number,
  nowMs: number,
): SmallTrend {
  const columnMs = answer.columnS * 1000;
  const startMs = msOf(answer.start);
  const answered = {
    startMs,
    endMs: msOf(answer.end),
    columnMs,
    asOfMs: msOf(answer.asOf),
    storedUntilMs: answer.storedUntil === null ? null : msOf(answer.storedUntil),
  };
  // a tag whose unit changed has a series for each: only the present one is comparable
  const series = answer.series.filter((one) => one.tagName === tagName).at(-1) ?? null;
  const joined = new Map(joinLive(series, answered, live).columns.map((one) => [one.startMs, one]));
  const last = Math.floor((Math.max(nowMs, answered.endMs - 1) - startMs) / columnMs);
  const count = Math.max(Math.round(lengthMs / columnMs), 2);
  const holes = answer.holes
    .filter(breaksLine)
    .map((hole) => ({ fromMs: msOf(hole.from), toMs: hole.to === null ? nowMs : msOf(hole.to) }));
  const columns = { min: [], max: [], last: [], worst: [] } as {
    min: (number | null)[];
    max: (number | null)[];
    last: (number | null)[];
    worst: (0 | 1 | 2 | null)[];
  };
  for (let index = last - count + 1; index <= last; index++) {
    const atMs = startMs + index * columnMs;
    const isHole = holes.some((hole) => hole.fromMs <= atMs && hole.toMs >= atMs + columnMs);
    const column = isHole ? undefined : joined.get(atMs);
    columns.min.push(column?.min ?? null);
    columns.max.push(column?.max ?? null);
    columns.last.push(column?.last ?? null);
    columns.worst.push(column?.worst ?? null);
  }
  // the newest column has only just begun: until something is in it, it is no gap yet
  const lists = [columns.min, columns.max, columns.last, columns.worst];
  if (columns.worst.at(-1) === null && columns.worst.at(-2) !== null) for (const one of lists) one.pop();
  const range = { fromMs: startMs + (last - count + 1) * columnMs, toMs: startMs + (last + 1) * columnMs };
  return { columns: { ...columns, ...range }, ...range };
}
