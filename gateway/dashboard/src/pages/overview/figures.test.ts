import { describe, expect, test } from "vitest";
import type { LiveValue } from "../../live/messages.ts";
import type { OverviewRow } from "../../live/overview.ts";
import type { OverviewWell, TagFacts } from "../../rest/types/wells.ts";
import { sampleTag } from "../../testing/samples.ts";
import { figuresOf } from "./figures.ts";

const AT = "2026-03-12T19:00:00Z";
const UP = {
  connectionId: "ops/plc",
  sourceProtocol: "modbus-tcp",
  state: "connected",
  stale: false,
  reason: null,
  message: null,
  lastHeartbeat: AT,
  storedSeq: 1,
  journalBatches: 0,
  journalBytes: 0,
  journalOldestS: 0,
  rejectedTags: 0,
};

function well(wellId: string, keys: TagFacts[]): OverviewWell {
  return { wellId, title: "", type: "", pad: "", route: "", timeZone: "", keys, connectionIds: ["ops/plc"],
    since: null, tags: keys.length };
}

function row(wellId: string, values: (LiveValue | null)[], more: Partial<OverviewRow> = {}): OverviewRow {
  const counts = { good: values.length, uncertain: 0, bad: 0 };
  return { wellId, values, lastKnown: [], counts, worst: null, connections: [UP], ...more };
}

function of(known: [OverviewWell, OverviewRow | null][]) {
  const rows = new Map(known.map(([one, its]) => [one.wellId, its]));
  return figuresOf(known.map(([one]) => one), (wellId) => rows.get(wellId) ?? null);
}

const good = (value: number): LiveValue => [value, "GOOD", null, AT];
const run = sampleTag({ tagName: "run_status", unit: "", low: null, high: null, stateNames: { 0: "STOPPED", 1: "RUNNING" } });
const gas = (unit: string) => sampleTag({ tagName: "gas_rate", unit, low: 0, high: 1000, normalLow: 200, normalHigh: 600 });

describe("the figures of a field", () => {
  test("nothing is claimed where no well tells it", () => {
    const found = of([[well("a", [sampleTag()]), row("a", [good(1)])]]);
    expect(found.producing).toMatchObject({ value: null, all: 0, unknown: 1 });
    expect(found.liquid).toMatchObject({ value: null, all: 0 });
    expect(found.gas).toMatchObject({ value: null, all: 0 });
    expect(found.good).toMatchObject({ value: 100 });
  });

  test("a well produces where its run status says so now; what is not heard is unknown", () => {
    const lost = { connections: [{ ...UP, stale: true }] };
    const found = of([
      [well("a", [run]), row("a", [good(1)])],
      [well("b", [run]), row("b", [good(0)])],
      [well("c", [run]), row("c", [good(1)], lost)],
      [well("d", [run]), row("d", [[1, "BAD", "device_bad", AT]])],
      [well("e", [run]), null],
      [well("f", [sampleTag()]), row("f", [good(3)])],
    ]);
    expect(found.producing).toMatchObject({ value: 1, of: 2, down: 1, unknown: 4 });
  });

  test("rates are summed in the unit of most wells, and units are converted", () => {
    const found = of([
      [well("a", [gas("mcf/d")]), row("a", [good(300)])],
      [well("b", [gas("mcf/d")]), row("b", [good(200)])],
      [well("c", [gas("MMcf/d")]), row("c", [good(0.1)])],
      [well("d", [gas("furlong")]), row("d", [good(7)])],
    ]);
    expect(found.gas.value).toBeCloseTo(600);
    expect(found.gas).toMatchObject({ of: 3, all: 4, tag: { unit: "mcf/d" } });
  });

  test("liquid is oil and water where a well tells both, and its own rate where it has one", () => {
    const oil = sampleTag({ tagName: "oil_rate", unit: "bbl/d" });
    const water = sampleTag({ tagName: "water_rate", unit: "bbl/d" });
    const liquid = sampleTag({ tagName: "liquid_rate", unit: "bbl/d" });
    const found = of([
      [well("a", [oil, water]), row("a", [good(10), good(30)])],
      [well("b", [oil]), row("b", [good(1000)])],
      [well("c", [liquid]), row("c", [good(5)])],
      [well("d", [oil, water]), row("d", [good(10), null])],
    ]);
    expect(found.liquid).toMatchObject({ value: 45, of: 2, all: 3 });
  });

  test("tags behind a device that is not heard are stale, whatever was told of them last", () => {
    const lost = { connections: [{ ...UP, state: "disconnected" }], counts: { good: 5, uncertain: 0, bad: 0 } };
    const found = of([
      [well("a", []), row("a", [], lost)],
      [well("b", []), row("b", [], { counts: { good: 15, uncertain: 0, bad: 0 } })],
    ]);
    expect(found.good).toMatchObject({ value: 75, stale: 5, bad: 0 });
  });

  test("it is never 100 % while one tag is not good", () => {
    const counts = { good: 99_999, uncertain: 0, bad: 1 };
    const found = of([[well("a", []), row("a", [], { counts })]]);
    expect(found.good).toMatchObject({ value: 99.9, bad: 1, tag: { digits: 1 } });
  });
});
