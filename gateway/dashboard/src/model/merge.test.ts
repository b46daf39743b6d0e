import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { PointsSeries, Quality } from "../rest/types/readings.ts";
import {
  type Answered,
  type Column,
  type LivePoint,
  blankOf,
  blanksOf,
  breaksLine,
  columnOf,
  columnStart,
  joinLive,
  lineOf,
  meanOf,
  mergeReadings,
  withPoint,
} from "./merge.ts";

const GRID = { startMs: 0, endMs: 10_000, columnMs: 1_000 };
const ANSWERED: Answered = { ...GRID, asOfMs: 10_000, storedUntilMs: 8_000 };

function live(tMs: number, value: number | null, heardMs: number, quality: Quality = "GOOD"): LivePoint {
  return { tMs, value, quality, receivedMs: tMs, heardMs };
}

function series(...buckets: PointsSeries["buckets"]): PointsSeries {
  return { tagName: "t", unit: "psi", connectionIds: ["ops/plc"], buckets };
}

function column(startMs: number, value: number | null, more: Partial<Column> = {}): Column {
  return {
    startMs,
    first: value,
    last: value,
    min: value,
    max: value,
    n: 1,
    good: value === null ? 0 : 1,
    worst: value === null ? 2 : 0,
    firstMs: startMs,
    lastMs: startMs,
    mean: value,
    ...more,
  };
}

describe("history and live", () => {
  test("join without a double point: what the store had when it was asked is not counted again", () => {
    const stored = series([8000, 5, 5, 5, 5, 1, 1, 0, 8200, 8200, 5]);
    const { columns, seamMs } = joinLive(stored, ANSWERED, [live(7000, 9, 7001), live(8200, 5, 8210)]);
    expect(columns).toHaveLength(1);
    expect(columns[0]).toMatchObject({ n: 1, max: 5 });
    expect(seamMs).toBeNull();
  });

  test("join without a hole: what came after the asking follows, in the same column too", () => {
    const stored = series([9000, 5, 5, 5, 5, 1, 1, 0, 9100, 9100, 5]);
    const { columns, seamMs } = joinLive(stored, ANSWERED, [
      live(9500, 7, 9510),
      live(10_500, 6, 10_510),
    ]);
    expect(columns.map((one) => [one.startMs, one.n, one.max, one.last])).toEqual([
      [9000, 2, 7, 7],
      [10_000, 1, 6, 6],
    ]);
    expect(seamMs).toBe(9500);
  });

  test("a reading that came late is put where it belongs, also below what was stored", () => {
    const stored = series([5000, 5, 5, 5, 5, 1, 1, 0, 5100, 5100, 5]);
    const { columns } = joinLive(stored, ANSWERED, [{ ...live(2500, 99, 10_400), receivedMs: 10_390 }]);
    expect(columns.map((one) => one.startMs)).toEqual([2000, 5000]);
    expect(columns[0]).toMatchObject({ max: 99 });
  });

  test("a reading that may be stored already widens its column, and is not counted", () => {
    const stored = series([9000, 5, 5, 5, 5, 1, 1, 0, 9500, 9500, 5]);
    const { columns, seamMs } = joinLive(stored, ANSWERED, [live(9200, 99, 9210)]);
    expect(columns).toMatchObject([{ n: 1, good: 1, max: 99, mean: 5 }]);
    expect(seamMs).toBeNull();
  });

  test("what a device kept back and sent late is received late, and not in the store by its time", () => {
    const late = { ...live(7000, 42, 9_000), receivedMs: 8_500 };
    const { columns } = joinLive(null, ANSWERED, [late, live(7500, 1, 7_510)]);
    expect(columns).toMatchObject([{ n: 1, max: 42 }]);
  });

  test("the same reading told twice is one", () => {
    const { columns } = joinLive(null, ANSWERED, [live(10_500, 6, 10_510), live(10_500, 6, 10_600)]);
    expect(columns).toMatchObject([{ n: 1 }]);
  });

  test("what is before the range is left out", () => {
    expect(joinLive(null, { ...ANSWERED, startMs: 5000 }, [live(4999, 1, 20_000)]).columns).toEqual([]);
  });

  test("every reading is in exactly one column, wherever the seam lies", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 19_999 }), { minLength: 1, maxLength: 80 }),
        fc.integer({ min: 0, max: 20_000 }),
        fc.integer({ min: 0, max: 5_000 }),
        (times, asOfMs, journalMs) => {
          const ordered = [...times].sort((a, b) => a - b);
          const storedUntilMs = Math.max(0, asOfMs - journalMs);
          // stored by the time it was asked: all up to storedUntil, heard live as they came
          const buckets = new Map<number, Column>();
          for (const tMs of ordered.filter((one) => one <= storedUntilMs)) {
            const start = columnStart(tMs, GRID);
            buckets.set(start, withPoint(buckets.get(start), start, live(tMs, tMs, tMs)));
          }
          const stored = series(
            ...[...buckets.values()].map(
              (one) =>
                [one.startMs, one.first, one.last, one.min, one.max, one.n, one.good, one.worst, one.firstMs, one.lastMs, one.mean] as PointsSeries["buckets"][number],
            ),
          );
          const { columns } = joinLive(
            stored,
            { ...GRID, endMs: 20_000, asOfMs, storedUntilMs },
            ordered.map((tMs) => live(tMs, tMs, tMs)),
          );
          expect(columns.reduce((sum, one) => sum + one.n, 0)).toBe(times.length);
          expect(Math.min(...columns.map((one) => one.min as number))).toBe(ordered[0]);
          expect(Math.max(...columns.map((one) => one.max as number))).toBe(ordered.at(-1));
          for (const one of columns) expect(one.firstMs).toBeGreaterThanOrEqual(one.startMs);
          for (const one of columns) expect(one.lastMs).toBeLessThan(one.startMs + 1000);
        },
      ),
    );
  });
});

describe("a column", () => {
  test("keeps first, last and both extremes, in whatever order readings come", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ tMs: fc.integer({ min: 0, max: 999 }), value: fc.integer() }), {
          selector: (one) => one.tMs,
          minLength: 1,
          maxLength: 20,
        }),
        (readings) => {
          let found: Column | undefined;
          for (const one of readings) found = withPoint(found, 0, { ...one, quality: "GOOD" });
          const ordered = [...readings].sort((a, b) => a.tMs - b.tMs);
          const values = readings.map((one) => one.value);
          expect(found).toMatchObject({
            first: ordered[0]?.value,
            last: ordered.at(-1)?.value,
            min: Math.min(...values),
            max: Math.max(...values),
            n: readings.length,
            good: readings.length,
          });
          const mean = values.reduce((sum, one) => sum + one, 0) / values.length;
          expect(Math.abs((found?.mean as number) - mean)).toBeLessThanOrEqual(1e-6 * 2 ** 31);
        },
      ),
    );
  });

  test("leaves BAD values out of the line and keeps that there were some", () => {
    let found = withPoint(undefined, 0, { tMs: 1, value: 5, quality: "GOOD" });
    found = withPoint(found, 0, { tMs: 2, value: 9998, quality: "BAD" });
    expect(found).toMatchObject({ first: 5, last: 5, max: 5, n: 2, good: 1, worst: 2 });
    expect(withPoint(undefined, 0, { tMs: 2, value: null, quality: "BAD" })).toMatchObject({
      first: null,
      max: null,
      worst: 2,
    });
  });

  test("reads a bucket of the wire", () => {
    expect(columnOf([1000, 1, 2, 0, 3, 4, 3, 1, 1001, 1900, 1.5])).toEqual({
      startMs: 1000, first: 1, last: 2, min: 0, max: 3, n: 4, good: 3, worst: 1, firstMs: 1001, lastMs: 1900, mean: 1.5,
    });
    const bad = columnOf([1000, null, null, null, null, 2, 0, 2, null, null, null]);
    expect(bad).toMatchObject({ first: null, n: 2, worst: 2, firstMs: 1000, lastMs: 1000 });
  });
});

describe("the line", () => {
  test("goes on while readings do", () => {
    const line = lineOf([column(0, 1), column(1000, 2)], 1000, 3000);
    expect(line.x).toEqual([0, 1]);
    expect(line.last).toEqual([1, 2]);
  });

  test("breaks with null, never NaN, where nothing came for too long", () => {
    const line = lineOf([column(0, 1), column(9000, 2)], 1000, 3000);
    expect(line.x).toEqual([0, 4.5, 9]);
    expect(line.last).toEqual([1, null, 2]);
    expect(line.min).toEqual([1, null, 2]);
    expect(line.worst).toEqual([0, null, 0]);
  });

  test("breaks at a hole that the store tells of, however short", () => {
    const hole = { fromMs: 300, toMs: 700, reason: "not_stored" };
    expect(lineOf([column(0, 1), column(1000, 2)], 1000, 3000, [hole]).last).toEqual([1, null, 2]);
  });

  test("breaks at readings that are all BAD, and keeps them for the ribbon", () => {
    const line = lineOf([column(0, 1), column(1000, null), column(2000, 2)], 1000, 3000);
    expect(line.last).toEqual([1, null, 2]);
    expect(line.worst).toEqual([0, 2, 0]);
  });

  test("of a tag that only tells of changes is not broken by silence", () => {
    expect(lineOf([column(0, 1), column(900_000, 2)], 1000, Infinity).last).toEqual([1, 2]);
  });

  test("is never drawn over a hole, wherever holes are", () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 40 }), { minLength: 2, maxLength: 30 }),
        fc.integer({ min: 0, max: 40_000 }),
        (starts, holeMs) => {
          const columns = starts.sort((a, b) => a - b).map((one) => column(one * 1000, one));
          const hole = { fromMs: holeMs + 0.4, toMs: holeMs + 0.6, reason: "lost" };
          const line = lineOf(columns, 1000, 2000, [hole]);
          for (let at = 1; at < line.x.length; at++) {
            const [a, b] = [line.x[at - 1] as number, line.x[at] as number];
            if (line.last[at - 1] === null || line.last[at] === null) continue;
            expect(b - a).toBeLessThanOrEqual(2);
            expect(a * 1000 < hole.toMs && b * 1000 > hole.fromMs).toBe(false);
          }
        },
      ),
    );
  });
});

test("stretches without readings are named, at both ends too", () => {
  const blanks = blanksOf([column(4000, 1), column(5000, 2)], GRID, 2000);
  expect(blanks).toEqual([
    { fromMs: 0, toMs: 4000, reason: "no_readings" },
    { fromMs: 5000, toMs: 10_000, reason: "no_readings" },
  ]);
  expect(blanksOf([], GRID, 2000)).toEqual([{ fromMs: 0, toMs: 10_000, reason: "no_readings" }]);
});

test("holes of the gateway: one that lasts reaches to the end, and only a real one breaks the line", () => {
  const hole = { connectionId: null, from: "1970-01-01T00:00:05Z", to: null, reason: "gap", message: "" };
  expect(blankOf(hole, 9_000)).toEqual({ fromMs: 5_000, toMs: 9_000, reason: "gap" });
  expect(["gap", "not_stored", "catching_up", "quality_unknown"].filter((reason) => breaksLine({ reason }))).toEqual([
    "gap",
    "not_stored",
  ]);
});

test("the mean of a range is of its GOOD readings alone, each counted once", () => {
  const columns = [
    column(0, 10, { good: 3, mean: 10 }),
    column(1000, 50, { good: 1, mean: 50 }),
    column(2000, null),
  ];
  expect(meanOf(columns)).toBe(20);
  expect(meanOf([column(0, null)])).toBeNull();
});

test("readings of both sides are one list by time, the stored one of two", () => {
  const stored = [{ tMs: 2, from: "store" }, { tMs: 1, from: "store" }];
  const heard = [{ tMs: 2, from: "live" }, { tMs: 3, from: "live" }];
  expect(mergeReadings(stored, heard)).toEqual([
    { tMs: 1, from: "store" },
    { tMs: 2, from: "store" },
    { tMs: 3, from: "live" },
  ]);
});
