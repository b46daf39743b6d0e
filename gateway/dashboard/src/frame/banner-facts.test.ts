import { describe, expect, test } from "vitest";
import { sampleAlarm } from "../testing/samples.ts";
import { bannerCounts, firstOf } from "./banner-facts.ts";

const RETURNED = { state: "returned_unacknowledged", active: false } as const;
const ACTIVE = { state: "unacknowledged", active: true } as const;
const lost = sampleAlarm({ alarmId: "lost", priority: 1, condition: "comm_failure", ...ACTIVE });
const back = sampleAlarm({ ...lost, ...RETURNED });
const pump = sampleAlarm({ alarmId: "pump", priority: 2, ...ACTIVE });
const tank = sampleAlarm({ alarmId: "tank", priority: 3, ...ACTIVE });

describe("in a flood", () => {
  test("what came first in the worst group leads, not the most urgent of all", () => {
    expect(firstOf([pump, tank], ["tank", "pump"])).toEqual({ alarm: tank, isFirstOut: true });
  });

  test("a connection that is back waits while what is active has to be handled", () => {
    expect(firstOf([back, pump, tank], ["lost", "tank"])).toEqual({ alarm: tank, isFirstOut: true });
    expect(firstOf([back, pump, tank], ["lost"])).toEqual({ alarm: pump, isFirstOut: false });
  });

  test("when nothing is active any more, what came first is acknowledged first", () => {
    const returned = sampleAlarm({ ...tank, ...RETURNED });
    expect(firstOf([back, returned], ["tank", "lost"])).toEqual({ alarm: returned, isFirstOut: true });
  });

  test("what somebody has acknowledged leads no more", () => {
    const seen = sampleAlarm({ ...tank, state: "acknowledged" });
    expect(firstOf([seen, pump], ["tank"])).toEqual({ alarm: pump, isFirstOut: false });
    expect(firstOf([seen], ["tank"])).toBeNull();
  });
});

test("without a flood the most urgent that nobody has acknowledged leads, also one that has returned", () => {
  expect(firstOf([pump, back], null)).toEqual({ alarm: back, isFirstOut: false });
  expect(firstOf([{ ...lost, state: "acknowledged" }, pump], null)?.alarm).toBe(pump);
  expect(firstOf([{ ...lost, state: "shelved" }], null)).toBeNull();
  expect(firstOf([], null)).toBeNull();
});

test("what is to be handled is counted, and shelved alarms not at all", () => {
  const counts = bannerCounts([
    lost,
    pump,
    { ...pump, alarmId: "seen", state: "acknowledged" },
    { ...lost, alarmId: "set aside", state: "shelved" },
  ]);
  expect(counts.total).toEqual({ 1: 1, 2: 2, 3: 0, 4: 0 });
  expect(counts.unacknowledged).toEqual({ 1: 1, 2: 1, 3: 0, 4: 0 });
});
