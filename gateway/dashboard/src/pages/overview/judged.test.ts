import { describe, expect, test } from "vitest";
import type { OverviewRow } from "../../live/overview.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";
import { sampleAlarm, sampleTag } from "../../testing/samples.ts";
import { judge, lookOf, stoppedOf } from "./judged.ts";
import { byRoute, columnTitles, itemsOf } from "./listed.ts";
import { addressOf, countShows, isShown, narrowingOf, ofPlace, placeWords } from "./narrowed.ts";
import { padsOf } from "./pads.ts";

const AT = "2026-03-12T19:00:00Z";
const run = sampleTag({ tagName: "run_status", title: "State", unit: "", low: null, high: null, stateNames: { 0: "STOPPED" } });

function well(wellId: string, more: Partial<OverviewWell> = {}): OverviewWell {
  return { wellId, title: "", type: "esp", pad: "7", route: "North", timeZone: "", keys: [sampleTag(), run], connectionIds: [], tags: 2,
    since: null, ...more };
}

function row(wellId: string, more: Partial<OverviewRow> = {}, state = "connected", connectionId = "ops/plc"): OverviewRow {
  return {
    wellId,
    values: [[285, "GOOD", null, AT], [1, "GOOD", null, AT]],
    lastKnown: [],
    counts: { good: 2, uncertain: 0, bad: 0 },
    worst: null,
    connections: [
      {
        connectionId, sourceProtocol: null, state, stale: false, reason: null, message: "no answer", lastHeartbeat: AT,
        storedSeq: 0, journalBatches: 0, journalBytes: 0, journalOldestS: 0, rejectedTags: 0,
      },
    ],
    ...more,
  };
}

const FIELD: [OverviewWell, OverviewRow][] = [
  [well("a"), row("a")],
  [well("b", { route: "South", pad: "9" }), row("b", {}, "disconnected", "ops/dead")],
  [well("c"), row("c", {}, "disconnected", "ops/dead")],
  [well("d", { type: "gas-lift" }), row("d", { values: [null, [0, "GOOD", null, AT]] })],
  [well("e"), row("e", { worst: { tagName: "x", quality: "UNCERTAIN", reason: "anomaly", timestamp: AT } })],
  [well("f", { route: "South" }), row("f")],
];
const ALARMS = [sampleAlarm({ wellId: "f", priority: 1 })];
const rows = new Map(FIELD.map(([one, its]) => [one.wellId, its]));
const judged = () => judge(FIELD.map(([one]) => one), (wellId) => rows.get(wellId) ?? null, ALARMS);
const ids = (list: readonly { wellId: string }[]) => list.map((one) => one.wellId).join("");

describe("wells by attention", () => {
  test("an alarm, no data, down, quality, normal", () => {
    expect(ids(judged())).toBe("fbcdea");
    expect(judged().map((one) => one.attention.kind)).toEqual(["unacknowledged", "no-data", "no-data", "down", "quality", "normal"]);
  });

  test("what has not changed is the same object, so that its row is not drawn anew", () => {
    const before = judged();
    const known = new Map(before.map((one) => [one.wellId, one]));
    const again = judge(FIELD.map(([one]) => one), (wellId) => rows.get(wellId) ?? null, [], known);
    expect(again.find((one) => one.wellId === "a")).toBe(known.get("a"));
    expect(again.find((one) => one.wellId === "f")).not.toBe(known.get("f"));
  });

  test("a well stands only where a good run status of 0 says so", () => {
    expect(stoppedOf(well("a"), { values: [null, [0, "GOOD", null, AT]] })).toEqual({ sinceMs: null, words: "State STOPPED" });
    expect(stoppedOf(well("a"), { values: [null, [0, "BAD", "stale", AT]] })).toBeNull();
    expect(stoppedOf(well("a"), { values: [null, [1, "GOOD", null, AT]] })).toBeNull();
    expect(stoppedOf(well("a"), { values: [[0, "GOOD", null, AT], null] })).toBeNull();
  });

  test("each is drawn by its shape", () => {
    expect(judged().map(lookOf)).toEqual([
      { alarm: { priority: 1, unacknowledged: true, returned: false } },
      { well: "no-data" },
      { well: "no-data" },
      { well: "down" },
      { well: "uncertain" },
      { well: "normal" },
    ]);
  });
});

describe("the list", () => {
  test("wells behind one dead device are one row", () => {
    expect(itemsOf(judged()).map((item) => [item.key, item.kind === "well" ? item.others : 0])).toEqual([
      ["f", 0], ["b", 1], ["d", 0], ["e", 0], ["a", 0],
    ]);
  });

  test("in a flood they stand by route, the route of the most urgent first", () => {
    const items = byRoute(itemsOf(judged()));
    expect(items.map((item) => item.key)).toEqual(["route South", "f", "b", "route North", "d", "e", "a"]);
    expect(items[0]).toMatchObject({ wells: 3, alarms: 1 });
  });

  test("a column has a title where all wells have the same tag there", () => {
    const titles = columnTitles([well("a"), well("b", { keys: [sampleTag({ title: "Load" }), run] })], (tag) => tag.title);
    expect(titles).toEqual([null, "State"]);
  });

  test("chips count wells, not rows", () => {
    expect(countShows(judged())).toEqual({ all: 6, alarm: 1, down: 1, "no-data": 2, quality: 1 });
    expect(ids(judged().filter((one) => isShown(one, "no-data")))).toBe("bc");
  });
});

describe("what is filtered stands in the address", () => {
  test("and is read back from it", () => {
    const narrowing = { show: "alarm", route: "A · North", pad: null, type: "esp" } as const;
    const query = Object.fromEntries(new URL(addressOf(narrowing, { wall: "" }), "http://a").searchParams);
    expect(narrowingOf(query)).toEqual(narrowing);
    expect(query["wall"]).toBe("");
    expect(placeWords(narrowing)).toBe("route A · North, type esp");
    expect(narrowingOf({ show: "nonsense" })).toEqual({ show: "all", route: null, pad: null, type: null });
  });

  test("route, pad and type narrow", () => {
    const all = { show: "all", route: null, pad: null, type: null } as const;
    expect(ids(ofPlace(judged(), { ...all, route: "South" }))).toBe("fb");
    expect(ids(ofPlace(judged(), { ...all, type: "gas-lift" }))).toBe("d");
  });
});

test("the map has routes, pads and wells by name", () => {
  expect(padsOf(judged()).map(({ route, pads, wells, abnormal }) => [route, wells, abnormal, pads.map((pad) => `${pad.pad}:${ids(pad.wells)}`)])).toEqual([
    ["North", 4, 3, ["7:acde"]],
    ["South", 2, 2, ["7:f", "9:b"]],
  ]);
});
