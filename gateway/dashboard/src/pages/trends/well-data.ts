// What the gateway answers about one well's pens over a range.

import type { Client } from "../../rest/client.ts";
import { daysBefore, DAY_MS } from "../../model/times.ts";
import type { AlarmEvent, PointsAnswer, WellAnswer } from "../../rest/types.ts";
import type { Span } from "./ranges.ts";

export const MARKS_MOST = 200;
const LOOK_BACK_MS = 730 * DAY_MS;
const LOOK_BACK_COLUMNS = 64;

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
    const earlier = { fromMs: span.fromMs - LOOK_BACK_MS, toMs: span.fromMs };
    const last = await ask(earlier, LOOK_BACK_COLUMNS, without).catch(() => null);
    signal.throwIfAborted();
    for (const name of last === null ? [] : without) {
      const all = last?.series.filter((one) => one.tagName === name) ?? [];
      const times = all.flatMap((one) => one.buckets.map((bucket) => bucket[9] ?? bucket[0]));
      lastBefore.set(name, times.length === 0 ? null : Math.max(...times));
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
