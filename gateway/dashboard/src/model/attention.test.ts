import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Attention,
  type WellNow,
  attentionOf,
  compareAttention,
  foldSilent,
  holdOrder,
  movedBetween,
  titleOf,
} from "./attention.ts";
import { sampleAlarm, sampleTag } from "../testing/samples.ts";

const UP = { connectionId: "ops/plc", state: "connected", stale: false, message: null, lastHeartbeat: null };
const LOST = {
  connectionId: "ops/plc",
  state: "connected",
  stale: true,
  message: "nothing was heard of the worker",
  lastHeartbeat: "2026-03-12T18:00:00Z",
};
const BAD = { tagName: "casing_pressure", quality: "BAD" as const, reason: "out_of_range", timestamp: "2026-03-12T18:55:00Z" };

function well(more: Partial<WellNow> = {}): WellNow {
  return { wellId: "w", keys: [sampleTag()], alarms: [], connections: [UP], worst: null, ...more };
}

describe("why a well is where it is", () => {
  test("an unacknowledged alarm, in words", () => {
    expect(attentionOf(well({ alarms: [sampleAlarm()] }))).toMatchObject({
      kind: "unacknowledged",
      priority: 2,
      tagName: "casing_pressure",
      headline: "Casing pressure Hi 618 psi",
      detail: "limit 600 · unacknowledged",
      sinceMs: Date.parse("2026-03-12T19:00:00Z"),
    });
  });

  test("the most urgent of several, and an unacknowledged one before a graver acknowledged one", () => {
    const alarms = [
      sampleAlarm({ alarmId: "1", priority: 1, state: "acknowledged" }),
      sampleAlarm({ alarmId: "3", priority: 3 }),
      sampleAlarm({ alarmId: "2", priority: 2 }),
    ];
    expect(attentionOf(well({ alarms })).alarm?.alarmId).toBe("2");
  });

  test("a state alarm tells its message", () => {
    const alarm = sampleAlarm({ condition: "state", message: "Pump stopped", value: 0, limit: null });
    expect(attentionOf(well({ alarms: [alarm] }))).toMatchObject({
      headline: "Pump stopped",
      detail: "unacknowledged",
    });
  });

  test("an alarm that the database has not stored yet says so", () => {
    const alarm = sampleAlarm({ confirmed: false });
    expect(attentionOf(well({ alarms: [alarm] })).detail).toBe("limit 600 · not stored yet");
  });

  test("no data, when every way to it is lost, with the reason and the device", () => {
    expect(attentionOf(well({ connections: [LOST] }))).toMatchObject({
      kind: "no-data",
      headline: "STALE",
      detail: "nothing was heard of the worker",
      connectionId: "ops/plc",
    });
  });

  test("that its device is lost is no unacknowledged alarm of the well", () => {
    const alarms = [sampleAlarm({ condition: "comm_failure", tagName: "" })];
    expect(attentionOf(well({ alarms, connections: [LOST] })).kind).toBe("no-data");
  });

  test("one of two connections lost is a matter of quality", () => {
    const connections = [UP, { ...LOST, connectionId: "ops/radio" }];
    expect(attentionOf(well({ connections }))).toMatchObject({
      kind: "quality",
      headline: "Partly STALE",
      detail: "1 of its 2 connections",
    });
  });

  test("a suspended one is down by intent, not without data", () => {
    const connections = [{ ...UP, state: "suspended" }];
    expect(attentionOf(well({ connections }))).toMatchObject({ kind: "down", headline: "Suspended" });
  });

  test("one that is known to stand is down", () => {
    const stopped = { sinceMs: 5, words: "tripped on vibration" };
    expect(attentionOf(well({ stopped }))).toMatchObject({ kind: "down", sinceMs: 5, detail: "tripped on vibration" });
  });

  test("BAD and UNCERTAIN name the tag and the reason, silence is STALE", () => {
    expect(attentionOf(well({ worst: BAD }))).toMatchObject({
      kind: "quality",
      tagName: "casing_pressure",
      headline: "Casing pressure BAD",
      detail: "out_of_range",
    });
    const worst = { ...BAD, tagName: "motor_current", reason: "stale" };
    expect(attentionOf(well({ worst })).headline).toBe("Motor current STALE");
  });

  test("an acknowledged alarm of priority 4 is an advisory, and shelved ones count for nothing", () => {
    const acknowledged = sampleAlarm({ priority: 4, state: "acknowledged", comment: "truck called" });
    expect(attentionOf(well({ alarms: [acknowledged] }))).toMatchObject({
      kind: "advisory",
      detail: "limit 600 · acknowledged · truck called",
    });
    const shelved = sampleAlarm({ state: "shelved" });
    expect(attentionOf(well({ alarms: [shelved] })).kind).toBe("normal");
  });
});

test("the order: unacknowledged by priority, no data, down, acknowledged, quality, advisory, normal", () => {
  const wells: Record<string, WellNow> = {
    normal: well(),
    "normal 2": well(),
    advisory: well({ alarms: [sampleAlarm({ priority: 4, state: "acknowledged" })] }),
    quality: well({ worst: BAD }),
    "ack 3": well({ alarms: [sampleAlarm({ priority: 3, state: "acknowledged" })] }),
    "ack 1": well({ alarms: [sampleAlarm({ priority: 1, state: "acknowledged" })] }),
    down: well({ stopped: { sinceMs: null, words: "" } }),
    "no data": well({ connections: [LOST] }),
    "unack 4": well({ alarms: [sampleAlarm({ priority: 4 })] }),
    "unack 2 old": well({ alarms: [sampleAlarm({ activeSince: "2026-03-12T10:00:00Z" })] }),
    "unack 2 new": well({ alarms: [sampleAlarm()] }),
    "unack 1": well({ alarms: [sampleAlarm({ priority: 1 })] }),
  };
  const rows = Object.entries(wells).map(([wellId, now]) => ({ wellId, attention: attentionOf(now) }));
  expect(rows.sort(compareAttention).map((row) => row.wellId)).toEqual([
    "unack 1", "unack 2 new", "unack 2 old", "unack 4", "no data", "down", "ack 1", "ack 3",
    "quality", "advisory", "normal", "normal 2",
  ]);
});

describe("an order that is held", () => {
  test("stays while somebody points at it, and says how many would move", () => {
    expect(holdOrder(["a", "b", "c"], ["c", "a", "b"], true)).toEqual({ order: ["a", "b", "c"], moved: 1 });
    expect(holdOrder(["a", "b", "c"], ["c", "a", "b"], false)).toEqual({ order: ["c", "a", "b"], moved: 0 });
  });

  test("loses what is gone, and gets what is new at its end", () => {
    expect(holdOrder(["a", "b", "c"], ["n", "a", "c"], true)).toEqual({ order: ["a", "c", "n"], moved: 1 });
  });

  test("holds exactly the wells that there are, and none moves twice", () => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 30 }).map(String));
    fc.assert(
      fc.property(ids, ids, (shown, wanted) => {
        const { order, moved } = holdOrder(shown, wanted, true);
        expect([...order].sort()).toEqual([...wanted].sort());
        expect(moved).toBeLessThanOrEqual(Math.max(0, wanted.length - 1));
        expect(moved === 0).toBe(order.join() === wanted.join());
      }),
    );
  });

  test("two that change places are one move, a reversal moves all but one", () => {
    expect(movedBetween(["a", "b", "c", "d"], ["b", "a", "c", "d"])).toBe(1);
    expect(movedBetween(["a", "b", "c", "d"], ["d", "c", "b", "a"])).toBe(3);
  });
});

test("wells behind one dead device are one row, others stay", () => {
  const silent = attentionOf(well({ connections: [LOST] }));
  const other = { ...silent, connectionId: "ops/other" };
  const row = (wellId: string, attention: Attention) => ({ wellId, attention });
  const rows = [row("1", silent), row("2", other), row("3", silent), row("4", attentionOf(well()))];
  expect(foldSilent(rows).map((one) => one.wells)).toEqual([["1", "3"], ["2"], ["4"]]);
});

test("a tag without a title is called by its name", () => {
  expect(titleOf({ tagName: "polished_rod_load_peak", title: "" })).toBe("Polished rod load peak");
  expect(titleOf(sampleTag({ title: "Rod load" }))).toBe("Rod load");
});
