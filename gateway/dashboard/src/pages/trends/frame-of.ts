// Everything that is drawn at a moment: put together anew whenever readings come. Pure.

import type { LivePoint } from "../../model/merge.ts";
import { type Pen, penText } from "../../model/links.ts";
import { msOf } from "../../model/times.ts";
import type { AlarmEvent } from "../../rest/types/alarms.ts";
import type { PointsAnswer } from "../../rest/types/readings.ts";
import { type Curve, curveOf } from "./curves.ts";
import { type KnownPen, type LaneOf, knownPens, lanesOf } from "./pens.ts";
import type { Span } from "./ranges.ts";
import { type Values, valuesOf } from "./scale.ts";
import type { WellData } from "./well-data.ts";

export interface DrawnLane extends LaneOf {
  values: Values | null;
}

export interface Frame {
  span: Span;
  nowMs: number;
  /** It moves with the time. */
  isLive: boolean;
  zone: string;
  pens: KnownPen[];
  lanes: DrawnLane[];
  curves: ReadonlyMap<string, Curve>;
  yesterday: ReadonlyMap<string, Curve>;
  /** Alarms that were raised, by pen; a connection's are its well's first pen's. */
  marks: ReadonlyMap<string, AlarmEvent[]>;
  wells: ReadonlyMap<string, WellData>;
  /** From here on it is live; null: all of it is stored. */
  seamMs: number | null;
}

export interface Given {
  pens: readonly Pen[];
  wells: ReadonlyMap<string, WellData>;
  live: (pen: Pen) => readonly LivePoint[];
  span: Span;
  nowMs: number;
  isLive: boolean;
  zone: string;
  raisedSince: readonly AlarmEvent[];
}

export function frameOf(given: Given): Frame {
  const { wells, span, nowMs, isLive, zone } = given;
  const pens = knownPens(given.pens, (wellId) => wells.get(wellId)?.facts ?? null);
  const curves = new Map<string, Curve>();
  const yesterday = new Map<string, Curve>();
  const marks = new Map<string, AlarmEvent[]>();
  for (const pen of pens) {
    const well = wells.get(pen.wellId);
    if (well === undefined || pen.tag === null) continue;
    const sinceMs = well.facts?.since ? msOf(well.facts.since) : -Infinity;
    if (well.answer !== null) {
      curves.set(pen.key, curveOf(well.answer, pen.tag, given.live(pen), span, nowMs, sinceMs));
    }
    if (well.yesterday !== null) {
      const moved = shifted(well.yesterday, well.yesterdayMs);
      yesterday.set(pen.key, curveOf(moved, pen.tag, [], span, nowMs + well.yesterdayMs, sinceMs + well.yesterdayMs));
    }
    const events = [...well.raised, ...given.raisedSince.filter((one) => one.wellId === pen.wellId)];
    marks.set(pen.key, once(events.filter((one) => one.tagName === pen.tagName && isIn(one, span))));
  }
  const lanes = lanesOf(pens).map((lane) => {
    const all = lane.pens.flatMap(({ key }) => [curves.get(key), yesterday.get(key)]);
    return { ...lane, values: valuesOf(lane.pens, all.map((one) => one ?? null)) };
  });
  const seams = [...curves.values()].flatMap(({ seamMs }) => (seamMs === null ? [] : [seamMs]));
  const seamMs = seams.length === 0 ? null : Math.min(...seams);
  return { span, nowMs, isLive, zone, pens, lanes, curves, yesterday, marks, wells, seamMs };
}

/** The pens of each well. */
export function byWell(pens: readonly Pen[]): Map<string, string[]> {
  const wells = new Map<string, string[]>();
  for (const pen of pens) {
    const names = wells.get(pen.wellId) ?? [];
    if (!names.includes(pen.tagName)) wells.set(pen.wellId, [...names, pen.tagName]);
  }
  return wells;
}

export function samePens(a: readonly Pen[], b: readonly Pen[]): boolean {
  return a.map(penText).join("\n") === b.map(penText).join("\n");
}

function shifted(answer: PointsAnswer, byMs: number): PointsAnswer {
  const time = (iso: string) => new Date(msOf(iso) + byMs).toISOString();
  return {
    ...answer,
    start: time(answer.start),
    end: time(answer.end),
    holes: answer.holes.map((one) => ({
      ...one,
      from: time(one.from),
      to: one.to === null ? null : time(one.to),
    })),
    series: answer.series.map((one) => ({
      ...one,
      buckets: one.buckets.map(
        ([tMs, first, last, min, max, n, good, worst, firstMs, lastMs, mean]) => [
          tMs + byMs,
          first,
          last,
          min,
          max,
          n,
          good,
          worst,
          firstMs === null ? null : firstMs + byMs,
          lastMs === null ? null : lastMs + byMs,
          mean,
        ],
      ),
    })),
  };
}

function isIn(event: AlarmEvent, span: Span): boolean {
  const at = msOf(event.at);
  return at >= span.fromMs && at <= span.toMs;
}

function once(events: readonly AlarmEvent[]): AlarmEvent[] {
  return [...new Map(events.map((one) => [one.eventNo, one])).values()];
}
