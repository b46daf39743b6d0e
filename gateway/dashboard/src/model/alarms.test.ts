import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Alarm, AlarmState, Priority } from "../rest/types/alarms.ts";
import {
  STATE_WORDS,
  chattering,
  countAlarms,
  groupByFirstOut,
  isFound,
  mostUrgent,
  shapeOf,
  sortAlarms,
  standing,
} from "./alarms.ts";
import { sampleAlarm, sampleEvent } from "../testing/samples.ts";

const STATES = Object.keys(STATE_WORDS) as AlarmState[];

function at(minute: number): string {
  return new Date(Date.parse("2026-03-12T19:00:00Z") + minute * 60_000).toISOString();
}

test("to be acknowledged first, then by priority, then the newest", () => {
  const alarms = [
    sampleAlarm({ alarmId: "ack 1", priority: 1, state: "acknowledged" }),
    sampleAlarm({ alarmId: "old 2", priority: 2, activeSince: at(1) }),
    sampleAlarm({ alarmId: "new 2", priority: 2, activeSince: at(9) }),
    sampleAlarm({ alarmId: "returned 1", priority: 1, state: "returned_unacknowledged" }),
  ];
  expect(sortAlarms(alarms).map((one) => one.alarmId)).toEqual(["returned 1", "new 2", "old 2", "ack 1"]);
  expect(sortAlarms(alarms, "priority").map((one) => one.priority)).toEqual([1, 1, 2, 2]);
  expect(sortAlarms(alarms, "since")[0]?.alarmId).toBe("new 2");
});

test("wells are in the order in which people count", () => {
  const alarms = ["w 10", "w 2"].map((wellId) => sampleAlarm({ alarmId: wellId, wellId }));
  expect(sortAlarms(alarms, "well").map((one) => one.wellId)).toEqual(["w 2", "w 10"]);
});

test("the most urgent is one that nobody has seen, or none", () => {
  expect(mostUrgent([sampleAlarm({ state: "acknowledged", priority: 1 })])).toBeNull();
  expect(mostUrgent([sampleAlarm({ state: "shelved", priority: 1 }), sampleAlarm()])?.priority).toBe(2);
});

test.each([
  ["unacknowledged", true, false],
  ["acknowledged", false, false],
  ["returned_unacknowledged", true, true],
  ["latched_unacknowledged", true, true],
  ["latched_acknowledged", false, true],
  ["shelved", false, false],
] as const)("%s: ring %s, hollow %s", (state, unacknowledged, returned) => {
  expect(shapeOf(sampleAlarm({ state }))).toEqual({ priority: 2, unacknowledged, returned });
});

test("what is set aside is counted by its state, and is neither to handle nor unacknowledged", () => {
  const counts = countAlarms([sampleAlarm(), sampleAlarm({ state: "shelved", priority: 1 })]);
  expect(counts).toMatchObject({ toHandle: 1, unacknowledged: 1, byState: { shelved: 1, unacknowledged: 1 } });
  expect(counts.byPriority).toEqual({ 1: 0, 2: 1, 3: 0, 4: 0 });
});

describe("a flood by what came first", () => {
  test("is grouped by connection and well, the first alarm of each named", () => {
    const groups = groupByFirstOut([
      sampleAlarm({ alarmId: "b", activeSince: at(2) }),
      sampleAlarm({ alarmId: "a", activeSince: at(1) }),
      sampleAlarm({ alarmId: "c", wellId: "well-2", priority: 1 }),
    ]);
    expect(groups.map((one) => [one.wellId, one.firstOut, one.total])).toEqual([
      ["well-2", "c", 1],
      ["well-1", "a", 2],
    ]);
  });

  test("of a lost connection is one group over its wells", () => {
    const groups = groupByFirstOut([
      sampleAlarm({ alarmId: "lost", wellId: "", tagName: "", condition: "comm_failure", activeSince: at(0) }),
      sampleAlarm({ alarmId: "1", wellId: "well-1", activeSince: at(1) }),
      sampleAlarm({ alarmId: "2", wellId: "well-2", activeSince: at(1) }),
    ]);
    expect(groups).toHaveLength(1);
    expect(groups[0]).toMatchObject({ wellId: "", firstOut: "lost", total: 3 });
  });

  test("hides nothing: every alarm to handle is in exactly one group", () => {
    const alarm = fc.record({
      alarmId: fc.uuid(),
      connectionId: fc.constantFrom("a", "b"),
      wellId: fc.constantFrom("", "1", "2", "3"),
      condition: fc.constantFrom("hi" as const, "comm_failure" as const),
      priority: fc.constantFrom<Priority>(1, 2, 3, 4),
      state: fc.constantFrom(...STATES),
    });
    fc.assert(
      fc.property(fc.uniqueArray(alarm, { selector: (one) => one.alarmId }), (made) => {
        const alarms: Alarm[] = made.map((one) => sampleAlarm(one));
        const groups = groupByFirstOut(alarms);
        const counts = countAlarms(alarms);
        const inGroups = groups.flatMap((one) => one.members.map((member) => member.alarmId));
        expect(new Set(inGroups).size).toBe(counts.toHandle);
        expect(groups.reduce((sum, one) => sum + one.total, 0)).toBe(counts.toHandle);
        expect(groups.reduce((sum, one) => sum + one.unacknowledged, 0)).toBe(counts.unacknowledged);
      }),
    );
  });
});

test("an alarm that was raised 3 times within a minute chatters; 3 times in longer does not", () => {
  const raised = (alarmId: string, ...seconds: number[]) =>
    seconds.map((second) => sampleEvent({ alarmId, at: new Date(second * 1000).toISOString() }));
  const events = [
    ...raised("quick", 0, 20, 59, 300),
    ...raised("slow", 0, 30, 60),
    sampleEvent({ alarmId: "slow", kind: "returned", at: new Date(10_000).toISOString() }),
  ];
  expect(chattering(events)).toEqual([{ alarmId: "quick", raised: 4, mostPerMinute: 3 }]);
});

test("an alarm that has been active for more than a day is standing", () => {
  const nowMs = Date.parse(at(0)) + 86_400_000;
  const alarms = [
    sampleAlarm({ alarmId: "old", activeSince: at(-1) }),
    sampleAlarm({ alarmId: "over", activeSince: at(-1), active: false }),
    sampleAlarm({ alarmId: "young", activeSince: at(1) }),
  ];
  expect(standing(alarms, nowMs).map((one) => one.alarmId)).toEqual(["old"]);
});

test("a search looks at well, tag, message and connection, in whatever case", () => {
  const alarm = sampleAlarm({ message: "Tubing pressure very high" });
  for (const text of ["WELL-1", "casing", "very HIGH", "ops/plc", " "]) expect(isFound(alarm, text)).toBe(true);
  expect(isFound(alarm, "choke")).toBe(false);
});
