import fc from "fast-check";
import { expect, test } from "vitest";
import { convert, isConvertible, tagIn } from "./units.ts";

test.each([
  [100, "psi", "kPa", 689.4757293168],
  [100, "psi", "bar", 6.894757293168],
  [32, "degF", "degC", 0],
  [212, "°F", "°C", 100],
  [-40, "degC", "degF", -40],
  [1000, "ft", "m", 304.8],
  [616, "bbl/d", "m3/d", 97.93617368],
  [388, "mcf/d", "scf/d", 388_000],
  [96.4, "MMcf/d", "mcf/d", 96_400],
  [31.42, "klbf", "lbf", 31_420],
  [8.4, "spm", "SPM", 8.4],
])("%d %s is so many %s", (value, from, to, expected) => {
  expect(convert(value, from, to)).toBeCloseTo(expected, 6);
});

test.each([
  ["psi", "degF"],
  ["bbl/d", "mcf/d"],
  ["psig", "psi"],
  ["bbl", "bbl/d"],
  ["MW", "mW"],
  ["furlong", "ft"],
  ["", "psi"],
])("%s is never shown as %s", (from, to) => {
  expect(convert(1, from, to)).toBeNull();
  expect(isConvertible(from, to)).toBe(false);
});

test("an unknown unit is itself", () => {
  expect(convert(3, "furlong", "furlong")).toBe(3);
});

const FAMILY = ["psi", "kPa", "bar", "Pa", "MPa", "mbar"];

test("there and back is the same value", () => {
  fc.assert(
    fc.property(
      fc.double({ min: -1e6, max: 1e6, noNaN: true }),
      fc.constantFrom(...FAMILY),
      fc.constantFrom(...FAMILY),
      (value, from, to) => {
        const there = convert(value, from, to) as number;
        expect(convert(there, to, from)).toBeCloseTo(value, 6);
      },
    ),
  );
});

test("a tag is turned with its range, band and limits, or not at all", () => {
  const tag = {
    unit: "degF",
    low: 32,
    high: 212,
    normalLow: 50,
    normalHigh: null,
    limits: [{ condition: "hi" as const, limit: 122, priority: 2 as const }],
    intervalS: 1,
  };
  const turned = tagIn(tag, "degC");
  expect(turned).toMatchObject({ unit: "degC", normalHigh: null });
  expect(turned?.low).toBeCloseTo(0);
  expect(turned?.high).toBeCloseTo(100);
  expect(turned?.normalLow).toBeCloseTo(10);
  expect(turned?.limits[0]?.limit).toBeCloseTo(50);
  expect(tagIn(tag, "psi")).toBeNull();
});
