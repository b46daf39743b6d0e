import { expect, test } from "vitest";
import { asQuality, isSilence, levelOf, qualityOf, reasonWords } from "./quality.ts";

test("a reason is told in words, an unknown one as it came", () => {
  expect(reasonWords("out_of_range")).toBe("outside of its range");
  expect(reasonWords("a_new_reason")).toBe("a new reason");
  expect(reasonWords(null)).toBe("");
});

test("a quality that this screen does not know is BAD", () => {
  expect(asQuality("GOOD")).toBe("GOOD");
  expect(asQuality("EXCELLENT")).toBe("BAD");
});

test("levels are qualities and back", () => {
  for (const quality of ["GOOD", "UNCERTAIN", "BAD"] as const) {
    expect(qualityOf(levelOf(quality))).toBe(quality);
  }
});

test("silence is what the worker marks without a value, not what a device calls bad", () => {
  expect(isSilence("BAD", "stale", null)).toBe(true);
  expect(isSilence("BAD", "comm_failure", null)).toBe(true);
  expect(isSilence("BAD", "device_bad", null)).toBe(false);
  expect(isSilence("BAD", "stale", 5)).toBe(false);
});
