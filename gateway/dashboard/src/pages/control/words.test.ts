import { describe, expect, it } from "vitest";
import type { WritableTag } from "../../rest/types/commands.ts";
import { factsOf, limitWords, numberOf, wrongWith } from "./words.ts";

const speed: WritableTag = {
  wellId: "a1",
  tagName: "pump_speed_setpoint",
  connectionId: "ops/pad-a",
  description: "",
  unit: "SPM",
  low: 3,
  high: 14,
  states: [],
  stateNames: {},
  approval: "none",
  off: null,
  running: null,
};
const valve: WritableTag = { ...speed, unit: "", low: null, high: null, states: [0, 1], stateNames: { "0": "SHUT", "1": "OPEN" } };

describe("a number as a person writes it", () => {
  it.each([
    ["7", 7],
    [" 7.5 ", 7.5],
    ["1,250", 1250],
    ["−3", -3],
    [".5", 0.5],
  ])("%s is %d", (text, value) => expect(numberOf(text)).toBe(value));

  it.each(["", "abc", "7,5", "1e999", "0x10", "7 8", "Infinity"])("%j is none", (text) => expect(numberOf(text)).toBeNull());
});

describe("a value that is asked for", () => {
  it("is refused outside of what the tag allows, with what it allows", () => {
    expect(wrongWith("42", speed, factsOf(speed, []))).toContain("3 to 14 SPM");
    expect(wrongWith("14", speed, factsOf(speed, []))).toBeNull();
  });
  it("of a tag with states is one of them", () => {
    expect(wrongWith("1", valve, factsOf(valve, []))).toBeNull();
    expect(wrongWith("2", valve, factsOf(valve, []))).toContain("SHUT or OPEN");
  });
  it("has its limits in the words of its states", () => {
    expect(limitWords(valve, factsOf(valve, []))).toBe("SHUT or OPEN");
  });
});
