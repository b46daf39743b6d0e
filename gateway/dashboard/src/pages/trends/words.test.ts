import { expect, test } from "vitest";
import type { PointsAnswer } from "../../rest/types/readings.ts";
import { axisNumber, blankWords, noneWords, sourceWords } from "./words.ts";

test("a tick is never rounded to another number", () => {
  expect([0, 2.5, 5, 7.5].map((one) => axisNumber(one, 2.5))).toEqual(["0.0", "2.5", "5.0", "7.5"]);
  expect(axisNumber(12_500, 2_500)).toBe("12.5k");
  expect(axisNumber(28_000, 4_000)).toBe("28k");
  expect(axisNumber(0.05, 0.05)).toBe("0.05");
  expect(axisNumber(250, 50)).toBe("250");
});

test("the plot names where its readings are from", () => {
  const answer = (interval: string) => ({ interval }) as PointsAnswer;
  expect(sourceWords([answer("1min"), answer("1min")], false)).toBe("1-min buckets · every extreme kept");
  expect(sourceWords([answer("5min"), answer("raw"), null], true)).toBe("5-min buckets, Raw and live · every extreme kept");
  expect(sourceWords([null], true)).toBe("");
});

test("a blank says what is missing and for how long", () => {
  expect(blankWords({ fromMs: 0, toMs: 21 * 60_000, reason: "no_readings" })).toBe("No data 21 min");
  expect(blankWords({ fromMs: 0, toMs: 42_000, reason: "journal_lost" })).toBe("Journal lost 42 s");
});

test("an empty range tells when the last reading was, or that there was none", () => {
  const ms = Date.parse("2026-03-11T14:12:00Z");
  expect(noneWords(ms, "America/Chicago")).toBe("none in this range, last 11 Mar 2026 09:12:00 −05:00");
  expect(noneWords(null, "UTC")).toContain("nor in the two years");
});
