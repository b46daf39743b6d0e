import { describe, expect, it } from "vitest";
import type { Alarm, AlarmState } from "../../rest/types/alarms.ts";
import { TABS, isOnTab, linkOf, passes, viewOf } from "./tabs.ts";

const alarm = {
  alarmId: "a",
  connectionId: "ops/pad-a",
  wellId: "permian-a1",
  tagName: "tubing_pressure",
  message: "Tubing pressure high",
  priority: 2,
  state: "unacknowledged",
} as Alarm;

describe("a tab", () => {
  it.each<[AlarmState, string]>([
    ["unacknowledged", "to-handle unacknowledged"],
    ["acknowledged", "to-handle"],
    ["returned_unacknowledged", "to-handle unacknowledged"],
    ["latched_acknowledged", "to-handle"],
    ["shelved", "shelved"],
    ["suppressed", "suppressed"],
    ["out_of_service", "out-of-service"],
    ["normal", ""],
  ])("an alarm that is %s is on %s", (state, tabs) => {
    expect(TABS.filter((tab) => isOnTab({ ...alarm, state }, tab)).join(" ")).toBe(tabs);
  });
});

describe("a filter", () => {
  const none = { priorities: [], text: "", wellId: "" };
  it("without anything lets all through", () => expect(passes(alarm, none)).toBe(true));
  it("by priority, well or words leaves the others out", () => {
    expect(passes(alarm, { ...none, priorities: [1, 3] })).toBe(false);
    expect(passes(alarm, { ...none, priorities: [2] })).toBe(true);
    expect(passes(alarm, { ...none, wellId: "permian-a2" })).toBe(false);
    expect(passes(alarm, { ...none, text: "TUBING" })).toBe(true);
    expect(passes(alarm, { ...none, text: "casing" })).toBe(false);
  });
});

it("the address brings the same view again, and nonsense in it none", () => {
  const view = { tab: "shelved" as const, priorities: [1, 2] as const, text: "pump & co", wellId: "a/1", alarm: "ff" };
  const query = Object.fromEntries(new URLSearchParams(linkOf(view).split("?")[1]));
  expect(viewOf(query)).toEqual(view);
  expect(viewOf({ tab: "nonsense", p: "7x" })).toEqual({ tab: "to-handle", priorities: [], text: "", wellId: "", alarm: "" });
  expect(linkOf({})).toBe("/alarms");
});
