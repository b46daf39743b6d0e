import { expect, test } from "vitest";
import type { PointsAnswer, WireBucket } from "../../rest/types/readings.ts";
import { sampleTag } from "../../testing/samples.ts";
import { columnAt, commonBlanks, curveOf, standout } from "./curves.ts";
import { csvOf } from "./csv.ts";
import { summaryWords, valueAt } from "./cursor-values.ts";
import { frameOf } from "./frame-of.ts";
import { valuesOf } from "./scale.ts";
import type { WellData } from "./well-data.ts";

const T0 = Date.parse("2026-03-12T12:00:00Z");
const MINUTE_MS = 60_000;
const iso = (ms: number) => new Date(ms).toISOString();
const tag = sampleTag({ tagName: "tubing", unit: "psi", title: "Tubing", intervalS: 60, digits: 0, low: 0, high: 600, limits: [], stateNames: {}, protocol: "modbus-tcp", connectionId: "ops/plc" });

/** A minute each: its value, or "bad". */
function bucket(minute: number, value: number | "bad", worst: 0 | 1 | 2 = value === "bad" ? 2 : 0): WireBucket {
  const ms = T0 + minute * MINUTE_MS;
  const one = value === "bad" ? null : value;
  const time = value === "bad" ? null : ms;
  return [ms, one, one, one, one, 1, worst === 0 ? 1 : 0, worst, time, time, worst === 0 ? one : null];
}

function answerOf(buckets: WireBucket[], more: Partial<PointsAnswer> = {}): PointsAnswer {
  return {
    asOf: iso(T0 + 60 * MINUTE_MS),
    wellId: "w",
    start: iso(T0),
    end: iso(T0 + 60 * MINUTE_MS),
    interval: "raw",
    source: "readings",
    columnS: 60,
    storedUntil: iso(T0 + 60 * MINUTE_MS),
    series: [{ tagName: "tubing", unit: "psi", connectionIds: ["ops/plc"], buckets }],
    holes: [],
    ...more,
  };
}

const span = { fromMs: T0, toMs: T0 + 60 * MINUTE_MS };
const minutes = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);
const curve = (buckets: WireBucket[], more: Partial<PointsAnswer> = {}) =>
  curveOf(answerOf(buckets, more), tag, [], span, span.toMs);

function frame(buckets: WireBucket[], more: Partial<PointsAnswer> = {}) {
  const facts = { title: "Well 1", tags: [tag] } as unknown as WellData["facts"];
  const data: WellData = { facts, answer: answerOf(buckets, more), error: null, yesterday: null, yesterdayMs: 0, raised: [], lastBefore: new Map() };
  return frameOf({ pens: [{ wellId: "w", tagName: "tubing" }], wells: new Map([["w", data]]), live: () => [], span, nowMs: span.toMs, isLive: false, zone: "America/Chicago", raisedSince: [] });
}

test("silence is a blank, and the line breaks there", () => {
  const { blanks, line } = curve([...minutes(0, 20), ...minutes(41, 60)].map((at) => bucket(at, 280)));
  expect(blanks).toEqual([{ fromMs: T0 + 19 * MINUTE_MS, toMs: T0 + 41 * MINUTE_MS, reason: "no_readings" }]);
  expect(line.last.filter((one) => one === null)).toHaveLength(1);
});

test("before a well was read first there is no gap, unless something came from then", () => {
  const half = minutes(30, 60).map((at) => bucket(at, 280));
  const since = (minute: number) => curveOf(answerOf(half), tag, [], span, span.toMs, T0 + minute * MINUTE_MS);
  expect(since(30).blanks).toEqual([]);
  expect(since(30).summary.goodMs).toBe(since(30).summary.wholeMs);
  expect(since(10).blanks).toEqual([{ fromMs: T0 + 10 * MINUTE_MS, toMs: T0 + 30 * MINUTE_MS, reason: "no_readings" }]);
  expect(since(50).summary.wholeMs).toBe(30 * MINUTE_MS);
});

test("the share of GOOD counts the time without readings, the mean does not count BAD ones", () => {
  const { summary } = curve([...minutes(0, 15).map((at) => bucket(at, 100)), ...minutes(15, 30).map((at) => bucket(at, "bad"))]);
  expect(summary.mean).toBe(100);
  expect(summary.goodMs / summary.wholeMs).toBeLessThan(0.26);
});

test("at the cursor stands the nearest reading, and nothing within a gap", () => {
  const one = curve([...minutes(0, 20), ...minutes(41, 60)].map((at) => bucket(at, 200 + at)));
  expect(columnAt(one, T0 + 10.2 * MINUTE_MS, tag)?.last).toBe(210);
  expect(columnAt(one, T0 + 30 * MINUTE_MS, tag)).toBeNull();
  expect(columnAt(one, T0 + 20 * MINUTE_MS, tag)).toBeNull();
});

test("an extreme of a moment is found, a step is not one", () => {
  const spike = minutes(0, 60).map((at) => bucket(at, at === 30 ? 400 : 280));
  expect(standout(curve(spike), 50)).toEqual({ atMs: T0 + 30 * MINUTE_MS, value: 400 });
  const step = minutes(0, 60).map((at) => bucket(at, at < 30 ? 280 : 400));
  expect(standout(curve(step), 50)).toBeNull();
});

test("a lane is only blank where all of its pens are", () => {
  const blank = (from: number, to: number, reason = "no_readings") => ({ fromMs: from, toMs: to, reason });
  expect(commonBlanks([[blank(0, 10)], [blank(5, 20, "suspended")]])).toEqual([blank(5, 10, "suspended")]);
  expect(commonBlanks([[blank(0, 10)], []])).toEqual([]);
});

test("a hole of another connection leaves the pen alone, its own breaks it", () => {
  const all = minutes(0, 60).map((at) => bucket(at, 280));
  const hole = (connectionId: string) => ({ connectionId, from: iso(T0 + 10 * MINUTE_MS + 1), to: iso(T0 + 11 * MINUTE_MS - 1), reason: "not_stored", message: "" });
  expect(curve(all, { holes: [hole("ops/other")] }).blanks).toEqual([]);
  expect(curve(all, { holes: [hole("ops/plc")] }).blanks.map((one) => one.reason)).toEqual(["not_stored"]);
});

test("limits are in the lane's span as long as the readings keep their share of it", () => {
  const limited = (limit: number) => ({ tag: { ...tag, limits: [{ condition: "hi" as const, limit, priority: 2 as const }] } });
  const readings = [{ summary: { min: 260, max: 340 } }] as never;
  expect(valuesOf([limited(400)], readings)?.high).toBeGreaterThan(400);
  expect(valuesOf([limited(4000)], readings)?.high).toBeLessThan(400);
});

test("the table says what the plot shows, with the mark of the worst reading there", () => {
  const shown = frame([bucket(0, 284), bucket(1, 285, 1), bucket(2, "bad")]);
  const [pen] = shown.pens;
  const at = (minute: number) => valueAt(shown, pen!, T0 + minute * MINUTE_MS)?.shown;
  expect(at(0)).toMatchObject({ text: "284", unit: "psi", mark: "good" });
  expect(at(1)?.label).toBe("UNCERTAIN");
  expect(at(2)?.mark).toBe("bad");
  expect(summaryWords(shown, pen!)).toMatchObject({ min: "284", max: "285", mean: "284" });
});

test("an export has times with their offset, quality, and the stretches without readings", () => {
  const lines = csvOf(frame([bucket(0, 284), bucket(1, "bad")])).trim().split("\r\n");
  expect(lines[1]).toBe("2026-03-12T07:00:00-05:00,2026-03-12T07:00:00-05:00,w,tubing,Tubing,psi,284,284,284,284,284,1,1,GOOD,");
  expect(lines[2]).toContain(",,,,,,1,0,BAD,");
  expect(lines[3]).toContain("0,0,NONE,no_readings");
});
