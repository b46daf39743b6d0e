import fc from "fast-check";
import { expect, test } from "vitest";
import { type Limits, barOf, isNormal, limitReached, pointerOf, priorityOf } from "./limits.ts";

const TAG: Limits = {
  low: 0,
  high: 600,
  normalLow: 180,
  normalHigh: 360,
  limits: [
    { condition: "hihi", limit: 450, priority: 1 },
    { condition: "lo", limit: 120, priority: 3 },
    { condition: "hi", limit: 400, priority: 2 },
    { condition: "lolo", limit: 90, priority: 1 },
  ],
};
const BARE: Limits = { low: null, high: null, normalLow: null, normalHigh: null, limits: [] };

test("a bar spans the tag's range, with its band and its limits in order", () => {
  const bar = barOf(TAG);
  expect(bar).toMatchObject({ low: 0, high: 600, band: { from: 0.3, to: 0.6 } });
  expect(bar?.ticks.map((tick) => [tick.condition, tick.at, tick.hard])).toEqual([
    ["lolo", 0.15, true],
    ["lo", 0.2, false],
    ["hi", 400 / 600, false],
    ["hihi", 0.75, true],
  ]);
});

test("without a range it spans its limits and a fifth more", () => {
  const bar = barOf({ ...TAG, low: null, high: null });
  expect(bar?.low).toBeCloseTo(90 - 72);
  expect(bar?.high).toBeCloseTo(450 + 72);
});

test("where nothing is known there is no bar, rather than an invented one", () => {
  expect(barOf(BARE)).toBeNull();
  expect(barOf({ ...BARE, low: 5, high: 5 })).toBeNull();
  expect(barOf({ ...BARE, limits: [{ condition: "hi", limit: 5, priority: 1 }] })).toBeNull();
});

test("a band with one end reaches to the end of the bar", () => {
  expect(barOf({ ...TAG, normalHigh: null })?.band).toEqual({ from: 0.3, to: 1 });
  expect(barOf({ ...TAG, normalLow: null, normalHigh: null })?.band).toBeNull();
});

test("the pointer is always on the bar, and says when the value is not", () => {
  fc.assert(
    fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (value) => {
      const pointer = pointerOf(value, barOf(TAG));
      expect(pointer?.at).toBeGreaterThanOrEqual(0);
      expect(pointer?.at).toBeLessThanOrEqual(1);
      expect(pointer?.beyond).toBe(value < 0 ? "below" : value > 600 ? "above" : null);
    }),
  );
  expect(pointerOf(null, barOf(TAG))).toBeNull();
  expect(pointerOf(1, null)).toBeNull();
});

test.each([
  [285, null, null],
  [400, "hi", 2],
  [450, "hihi", 1],
  [120, "lo", 3],
  [90, "lolo", 1],
  [null, null, null],
] as const)("%s has reached %s, of priority %s", (value, condition, priority) => {
  expect(limitReached(value, TAG.limits)?.condition ?? null).toBe(condition);
  expect(priorityOf(value, TAG.limits)).toBe(priority);
});

test("normal is within the band, and unknown without one", () => {
  expect(isNormal(200, TAG)).toBe(true);
  expect(isNormal(361, TAG)).toBe(false);
  expect(isNormal(1, BARE)).toBeNull();
});
