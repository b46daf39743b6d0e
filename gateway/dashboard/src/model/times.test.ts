import { describe, expect, test } from "vitest";
import {
  DAY_MS,
  HOUR_MS,
  ageText,
  clockText,
  dayText,
  daysBefore,
  fullText,
  isZone,
  isoText,
  knownZone,
  lagText,
  localTime,
  msOf,
  msOfLocal,
  msOrNull,
  offsetText,
  spanText,
  untilText,
  whenText,
  zoneName,
} from "./times.ts";

const CHICAGO = "America/Chicago";
const KOLKATA = "Asia/Kolkata";
const AT = Date.parse("2026-03-12T19:32:06.212Z");

test.each([
  [0, "0 s"],
  [999, "0 s"],
  [59_999, "59 s"],
  [60_000, "1 m 0 s"],
  [201_000, "3 m 21 s"],
  [599_999, "9 m 59 s"],
  [600_000, "10 min"],
  [825_000, "13 min"],
  [3_599_999, "59 min"],
  [HOUR_MS, "1 h"],
  [11_520_000, "3 h 12 min"],
  [DAY_MS, "1 d"],
  [51 * HOUR_MS, "2 d 3 h"],
  [18 * DAY_MS + HOUR_MS, "18 d"],
  [-5_000, "0 s"],
  [Number.NaN, "age unknown"],
])("an age of %d ms reads %s", (ms, text) => {
  expect(ageText(ms)).toBe(text);
});

test("how far behind, and how long until", () => {
  expect(lagText(412)).toBe("0.4 s");
  expect(lagText(12_000)).toBe("12 s");
  expect(untilText(3_200)).toBe("4 s");
  expect(untilText(1)).toBe("1 s");
  expect(untilText(0)).toBe("now");
});

describe("times in a zone", () => {
  test("have the clock, day and offset of that zone", () => {
    expect(clockText(AT, CHICAGO)).toBe("14:32:06");
    expect(dayText(AT, CHICAGO)).toBe("Thu 12 Mar");
    expect(offsetText(AT, CHICAGO)).toBe("−05:00");
    expect(zoneName(AT, CHICAGO)).toBe("CDT");
    expect(clockText(AT, KOLKATA)).toBe("01:02:06");
    expect(dayText(AT, KOLKATA)).toBe("Fri 13 Mar");
    expect(offsetText(AT, KOLKATA)).toBe("+05:30");
    expect(zoneName(AT, KOLKATA)).toBe("");
  });

  test("leave the frame with date and offset", () => {
    expect(fullText(AT, CHICAGO, 3)).toBe("12 Mar 2026 14:32:06.212 −05:00");
    expect(isoText(AT, CHICAGO)).toBe("2026-03-12T14:32:06.212-05:00");
    expect(isoText(AT - 212, KOLKATA)).toBe("2026-03-13T01:02:06+05:30");
    expect(Date.parse(isoText(AT, KOLKATA))).toBe(AT);
  });

  test("are only a clock today, and a date before", () => {
    expect(whenText(AT, AT + HOUR_MS, CHICAGO)).toBe("14:32:06");
    expect(whenText(AT, AT + DAY_MS, CHICAGO)).toBe("12 Mar 14:32");
    expect(whenText(AT, AT + 400 * DAY_MS, CHICAGO)).toBe("12 Mar 2026");
    // midnight is the zone's own
    expect(whenText(AT, Date.parse("2026-03-13T04:59:59Z"), CHICAGO)).toBe("14:32:06");
    expect(whenText(AT, Date.parse("2026-03-13T05:00:00Z"), CHICAGO)).toBe("12 Mar 14:32");
  });

  test("midnight is 00, not 24", () => {
    const midnight = Date.parse("2026-03-12T05:00:00Z");
    expect(clockText(midnight, CHICAGO)).toBe("00:00:00");
    expect(localTime(midnight, CHICAGO)).toMatchObject({ day: 12, hour: 0 });
  });

  test("an unknown zone is UTC and says so by its offset", () => {
    expect(isZone("Mars/Olympus")).toBe(false);
    expect(isZone("")).toBe(false);
    expect(knownZone("Mars/Olympus")).toBe("UTC");
    expect(isoText(AT, "Mars/Olympus")).toBe("2026-03-12T19:32:06.212+00:00");
  });
});

describe("when the clocks are changed", () => {
  const before = Date.parse("2026-03-08T07:59:59Z"); // 01:59:59 CST
  const after = Date.parse("2026-03-08T08:00:00Z"); // 03:00:00 CDT

  test("the offset changes at that second", () => {
    expect(isoText(before, CHICAGO)).toBe("2026-03-08T01:59:59-06:00");
    expect(isoText(after, CHICAGO)).toBe("2026-03-08T03:00:00-05:00");
  });

  test("yesterday is the same wall clock", () => {
    const noon = Date.parse("2026-03-08T17:00:00Z"); // 12:00 CDT
    expect(clockText(daysBefore(noon, 1, CHICAGO), CHICAGO)).toBe("12:00:00");
    expect(noon - daysBefore(noon, 1, CHICAGO)).toBe(23 * HOUR_MS);
    expect(noon - daysBefore(noon, 7, "UTC")).toBe(7 * DAY_MS);
  });

  test("a wall clock that comes twice is its first, one that is skipped goes on", () => {
    const twice = { year: 2026, month: 11, day: 1, hour: 1, minute: 30, second: 0 };
    expect(isoText(msOfLocal(twice, CHICAGO), CHICAGO)).toBe("2026-11-01T01:30:00-05:00");
    const skipped = { year: 2026, month: 3, day: 8, hour: 2, minute: 30, second: 0 };
    expect(isoText(msOfLocal(skipped, CHICAGO), CHICAGO)).toBe("2026-03-08T03:30:00-05:00");
  });
});

test("times of the gateway are read with microseconds, and what is none is none", () => {
  expect(msOf("2026-03-12T19:32:06.212999Z")).toBe(AT);
  expect(msOrNull(null)).toBeNull();
  expect(msOrNull("soon")).toBeNull();
});

test("a named range has its name", () => {
  expect(spanText(8 * HOUR_MS)).toBe("8 h");
  expect(spanText(45 * 60_000)).toBe("45 min");
});
