import { expect, test } from "vitest";
import type { LivePoint } from "../../model/merge.ts";
import type { PointsAnswer, WireBucket } from "../../rest/types/readings.ts";
import { smallTrend } from "./small-trend.ts";

const START = Date.UTC(2026, 2, 12, 12);
const COLUMN_MS = 60_000;

function bucket(index: number, value: number): WireBucket {
  const at = START + index * COLUMN_MS;
  return [at, value, value, value - 1, value + 1, 5, 5, 0, at, at + 50_000, value];
}

function answer(more: Partial<PointsAnswer> = {}): PointsAnswer {
  const end = START + 10 * COLUMN_MS;
  return {
    asOf: new Date(end).toISOString(),
    wellId: "w",
    start: new Date(START).toISOString(),
    end: new Date(end).toISOString(),
    interval: "raw",
    source: "readings",
    columnS: 60,
    storedUntil: new Date(end).toISOString(),
    series: [{ tagName: "p", unit: "psi", connectionIds: ["c"], buckets: [0, 1, 2, 6, 7, 8, 9].map((at) => bucket(at, at)) }],
    holes: [],
    ...more,
  };
}

const point = (tMs: number, value: number): LivePoint => ({ tMs, value, quality: "GOOD", receivedMs: tMs, heardMs: tMs });

test("what is missing in the store is a gap and no line", () => {
  const { columns } = smallTrend(answer(), "p", [], 10 * COLUMN_MS, START + 10 * COLUMN_MS - 1);
  expect(columns.last).toEqual([0, 1, 2, null, null, null, 6, 7, 8, 9]);
});

test("live readings go on where the store ends, and the window moves with them", () => {
  const now = START + 11.5 * COLUMN_MS;
  const shown = smallTrend(answer(), "p", [point(START + 10.2 * COLUMN_MS, 20), point(now - 1, 30)], 10 * COLUMN_MS, now);
  expect(shown.columns.last.slice(-3)).toEqual([9, 20, 30]);
  expect(shown.fromMs).toBe(START + 2 * COLUMN_MS);
});

test("a hole that the gateway tells of is a gap, whatever stands in it", () => {
  const hole = { connectionId: "c", from: new Date(START + 6 * COLUMN_MS).toISOString(), to: new Date(START + 8 * COLUMN_MS).toISOString(), reason: "not_stored", message: "" };
  const { columns } = smallTrend(answer({ holes: [hole] }), "p", [], 10 * COLUMN_MS, START + 10 * COLUMN_MS - 1);
  expect(columns.last.slice(6, 9)).toEqual([null, null, 8]);
});

test("of a tag whose unit changed only the present one is drawn", () => {
  const old = { tagName: "p", unit: "bar", connectionIds: ["c"], buckets: [bucket(0, 1000)] };
  const now = answer().series;
  const { columns } = smallTrend(answer({ series: [old, ...now] }), "p", [], 10 * COLUMN_MS, START + 10 * COLUMN_MS - 1);
  expect(Math.max(...columns.max.filter((one) => one !== null))).toBe(10);
});
