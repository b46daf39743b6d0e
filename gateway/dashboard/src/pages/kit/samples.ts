// What the kit shows: readings as they come, through the same present() as everywhere.

import { type Given, type Presented, present } from "../../model/present.ts";
import type { TagFacts } from "../../rest/types/wells.ts";
import type { SparkColumns } from "../../parts/spark-shape.ts";

/** 12 March 2026, 14:32:07 in Texas. */
export const NOW = Date.parse("2026-03-12T19:32:07Z");
export const ZONE = "America/Chicago";

export const TUBING: TagFacts = {
  tagName: "tubing_pressure",
  title: "Tubing pressure",
  description: "",
  connectionId: "permian-ops/pad07-plc",
  protocol: "modbus",
  address: "holding:40001",
  unit: "psi",
  dataType: "float32",
  intervalS: 1,
  staleAfterS: 10,
  low: 0,
  high: 600,
  normalLow: 180,
  normalHigh: 360,
  digits: 0,
  stateNames: {},
  writable: false,
  limits: [
    { condition: "lolo", limit: 90, priority: 1 },
    { condition: "lo", limit: 120, priority: 2 },
    { condition: "hi", limit: 400, priority: 2 },
    { condition: "hihi", limit: 450, priority: 1 },
  ],
};

export const LEVEL: TagFacts = {
  ...TUBING,
  tagName: "fluid_level",
  title: "Fluid level",
  unit: "ft",
  low: 0,
  high: 6000,
  normalLow: null,
  normalHigh: null,
  limits: [],
};

export const SPEED: TagFacts = {
  ...TUBING,
  tagName: "pump_speed",
  title: "Pump speed",
  unit: "SPM",
  low: 0,
  high: 12,
  normalLow: 6,
  normalHigh: 9,
  digits: 1,
  limits: [
    { condition: "lo", limit: 4, priority: 3 },
    { condition: "hi", limit: 10, priority: 3 },
  ],
};

export const STATE: TagFacts = {
  ...LEVEL,
  tagName: "run_status",
  title: "State",
  unit: "",
  dataType: "uint16",
  stateNames: { 0: "STOPPED", 1: "RUNNING" },
};

export function shown(
  tag: TagFacts | null,
  reading: Partial<Given> | null,
  connected = true,
): Presented {
  const whole: Given | null =
    reading === null
      ? null
      : { value: null, quality: "GOOD", reason: null, ageMs: 800, ...reading };
  return present(whole, tag, { connected });
}

export const GOOD = shown(TUBING, { value: 285 });
export const UNCERTAIN = shown(LEVEL, { value: 4310, quality: "UNCERTAIN", reason: "anomaly" });
export const BAD_VALUE = shown(TUBING, { value: 9998, quality: "BAD", reason: "out_of_range" });
export const BAD = shown(TUBING, { quality: "BAD", reason: "device_bad" });
export const STALE = shown(TUBING, { value: 218, ageMs: 825_000 }, false);
export const NONE = shown(TUBING, null);
export const UNMAPPED = shown(null, null);
export const MANUAL = shown(LEVEL, { value: 4290 });
export const RUNNING = shown(STATE, { value: 1 });
export const NOT_STORED = shown(TUBING, { value: 285, stored: false });

const COUNT = 48;

/** A calm line that is the same each time; holes and their kind by column. */
export function columns(from: number, to: number, kind: 0 | 1 | 2 | null): SparkColumns {
  const value = (at: number) =>
    270 + 22 * Math.sin(at / 4.1) + 14 * Math.sin(at * 1.7) + 9 * Math.sin(at * 0.9 + 2);
  const all = Array.from({ length: COUNT }, (_, at) => at);
  const isHole = (at: number) => at >= from && at < to && (kind === null || kind === 2);
  const of = (plus: number) => all.map((at) => (isHole(at) ? null : value(at) + plus));
  return {
    min: of(-4),
    max: of(4),
    last: of(0),
    worst: all.map((at) => (at >= from && at < to ? kind : 0)),
  };
}

/** One spike within a column, which its last value does not show. */
export function spike(): SparkColumns {
  const calm = columns(0, 0, null);
  return {
    ...calm,
    max: calm.max.map((value, at) => (at === 30 && value !== null ? value + 110 : value)),
  };
}
