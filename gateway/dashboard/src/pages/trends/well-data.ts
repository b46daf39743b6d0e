// What the gateway answers about one well's pens over a range.

import type { Client } from "../../rest/client.ts";
import { daysBefore, DAY_MS } from "../../model/times.ts";
import type { AlarmEvent } from "../../rest/types/alarms.ts";
import type { PointsAnswer } from "../../rest/types/readings.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import type { Span } from "./ranges.ts";

export const MARKS_MOST = 200;
const LOOK_BACK_MS = 730 * DAY_MS;
const LOOK_BACK_COLUMNS = 64;
const LOOKS_MOST = 4;
/** How long a bucket is; readings themselves have no length. */
const BUCKETS_MS: Partial<Record<string, number>> = { "1min": 60_000, "5min": 300_000, "1hour": 3_600_000, "1day": DAY_MS };

export interface WellQuestion {
  wellId: string;
  tagNames: readonly string[];
  span: Span;
  /** Pixel columns. */
  points: number;
  zone: string;
  yesterday: boolean;
}

/** error: why the readings are not there; the pens of other wells are not touched by it. */
export interface WellData {
  facts: WellAnswer | null;
  answer: PointsAnswer | null;
  error: unknown;
  yesterday: PointsAnswer | null;
  /** Yesterday's moment plus this is today's [ms]. */
  yesterdayMs: number;
  raised: AlarmEvent[];
  /** Of tags without a reading in the range: the newest before it; null: none in two years. */
  lastBefore: ReadonlyMap<string, number | null>;
}

const iso = (ms: number) => new Date(ms).toISOString();

/** Asks all of it; what fails stands in error. Throws only when it was given up. */
export async function askWell(
  client: Client,
  question: WellQuestion,
  facts: Promise<WellAnswer>,
  signal: AbortSignal,
): Promise<WellData> {
  const { wellId, tagNames, span, points, zone } = question;
  const yesterdayMs = span.toMs - daysBefore(span.toMs, 1, zone);
  const ask = (from: Span, columns: number, names = tagNames) =>
    client.points(
      { wellId, tagName: names, start: iso(from.fromMs), end: iso(from.toMs), points: columns },
      { signal },
    );
  const before = { fromMs: span.fromMs - yesterdayMs, toMs: span.toMs - yesterdayMs };
  const [known, answer, yesterday, events] = await Promise.allSettled([
    facts,
    ask(span, points),
    question.yesterday ? ask(before, Math.min(points, 400)) : Promise.resolve(null),
    client.alarmEvents(
      { wellId, kind: ["raised"], start: iso(span.fromMs), end: iso(span.toMs), limit: MARKS_MOST },
      { signal },
    ),
  ]);
  signal.throwIfAborted();
  const failed = [known, answer].find((one) => one.status === "rejected");
  const found = answer.status === "fulfilled" ? answer.value : null;
  const without = tagNames.filter(
    (name) => !found?.series.some((one) => one.tagName === name && one.buckets.length > 0),
  );
  const lastBefore = new Map<string, number | null>();
  if (found !== null && without.length > 0) {
    for (const name of without) {
      const last = await newestBefore(span.fromMs, (from) => ask(from, LOOK_BACK_COLUMNS, [name])).catch(() => undefined);
      signal.throwIfAborted();
      if (last !== undefined) lastBefore.set(name, last);
    }
  }
  return {
    facts: known.status === "fulfilled" ? known.value : null,
    answer: found,
    error: failed?.status === "rejected" ? failed.reason : null,
    yesterday: yesterday.status === "fulfilled" ? yesterday.value : null,
    yesterdayMs,
    raised: events.status === "fulfilled" ? events.value.events : [],
    lastBefore,
  };
}

/**
 * When the newest reading before a moment was taken [ms]; null: none in two years. Long ranges are
 * answered in buckets, which say only about when: the last one is looked into until it is readings.
 */
export async function newestBefore(beforeMs: number, ask: (span: Span) => Promise<PointsAnswer>): Promise<number | null> {
  let span = { fromMs: beforeMs - LOOK_BACK_MS, toMs: beforeMs };
  let newest: number | null = null;
  for (let round = 0; round < LOOKS_MOST; round += 1) {
    const answer = await ask(span);
    const times = answer.series.flatMap((one) => one.buckets.map((bucket) => bucket[9] ?? bucket[0]));
    if (times.length === 0) return newest;
    newest = Math.max(...times);
    const step = BUCKETS_MS[answer.interval];
    if (step === undefined) return newest;
    span = { fromMs: Math.max(span.fromMs, newest - step), toMs: Math.min(beforeMs, newest + step) };
  }
  return newest;
}
