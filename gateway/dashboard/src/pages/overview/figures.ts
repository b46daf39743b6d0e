// The four figures of the field, from what is known, and of how many wells it is known. Pure.

import type { OverviewRow } from "../../live/overview.ts";
import { isConnected } from "../../model/attention.ts";
import type { TagView } from "../../model/present.ts";
import { convert } from "../../model/units.ts";
import type { OverviewWell, TagFacts } from "../../rest/types/wells.ts";
import { RUN_STATUS } from "./judged.ts";

/** value null: no well tells it. of: wells that it was computed from; all: that could tell it. */
export interface Figure {
  value: number | null;
  of: number;
  all: number;
  tag: TagView;
}

export interface Producing extends Figure {
  down: number;
  unknown: number;
}

/** stale: tags of wells whose devices are not heard, whatever was told of them last. */
export interface Good extends Figure {
  stale: number;
  uncertain: number;
  bad: number;
}

export interface FieldFigures {
  wells: number;
  producing: Producing;
  liquid: Figure;
  gas: Figure;
  good: Good;
}

type RowOf = (wellId: string) => OverviewRow | null;

export function figuresOf(wells: readonly OverviewWell[], rowOf: RowOf): FieldFigures {
  return {
    wells: wells.length,
    producing: producingOf(wells, rowOf),
    liquid: sumOf(wells, rowOf, [["liquid_rate"], ["oil_rate", "water_rate"]]),
    gas: sumOf(wells, rowOf, [["gas_rate"]]),
    good: goodOf(wells, rowOf),
  };
}

function producingOf(wells: readonly OverviewWell[], rowOf: RowOf): Producing {
  let [running, down, telling] = [0, 0, 0];
  for (const well of wells) {
    const at = well.keys.findIndex((tag) => tag.tagName === RUN_STATUS);
    if (at < 0) continue;
    telling += 1;
    const state = present(well, rowOf(well.wellId), at);
    if (state === null) continue;
    if (state === 0) down += 1;
    else running += 1;
  }
  const known = running + down;
  return {
    value: known === 0 ? null : running,
    of: known,
    all: telling,
    down,
    unknown: wells.length - known,
    tag: plain({ high: wells.length, digits: 0 }),
  };
}

function goodOf(wells: readonly OverviewWell[], rowOf: RowOf): Good {
  let [good, uncertain, bad, stale] = [0, 0, 0, 0];
  let heard = 0;
  for (const well of wells) {
    const row = rowOf(well.wellId);
    if (row === null) continue;
    const { counts } = row;
    heard += 1;
    if (!row.connections.some(isConnected)) {
      stale += counts.good + counts.uncertain + counts.bad;
      continue;
    }
    good += counts.good;
    uncertain += counts.uncertain;
    bad += counts.bad;
  }
  const all = good + uncertain + bad + stale;
  const share = (100 * good) / all;
  return {
    // never 100 while one is not: the last tenth is cut off, not rounded
    value: all === 0 ? null : Math.floor(share * 10 + 1e-9) / 10,
    of: heard,
    all: wells.length,
    stale,
    uncertain,
    bad,
    tag: plain({ unit: "% of tags", high: 100, digits: good === all ? 0 : 1 }),
  };
}

/** The sum over the wells that have all tags of one of these sets among their keys, in the unit of most. */
function sumOf(wells: readonly OverviewWell[], rowOf: RowOf, sets: readonly (readonly string[])[]): Figure {
  const found = wells.flatMap((well) => {
    for (const names of sets) {
      const places = names.map((name) => well.keys.findIndex((tag) => tag.tagName === name));
      if (places.every((at) => at >= 0)) return [{ well, places }];
    }
    return [];
  });
  const unit = commonest(found.flatMap(({ well, places }) => places.map((at) => well.keys[at]?.unit ?? "")));
  const total = { value: 0, low: 0, high: 0, normalLow: 0, normalHigh: 0 };
  let of = 0;
  for (const { well, places } of found) {
    const row = rowOf(well.wellId);
    const parts = places.map((at) => {
      const tag = well.keys[at] as TagFacts;
      const value = present(well, row, at);
      return value === null ? null : inUnit(tag, value, unit);
    });
    if (!parts.every((part) => part !== null)) continue;
    of += 1;
    for (const part of parts) {
      total.value += part.value;
      for (const name of BOUNDS) total[name] += part[name] ?? Number.NaN;
    }
  }
  const bounds = Object.fromEntries(
    BOUNDS.map((name) => [name, of > 0 && !Number.isNaN(total[name]) ? total[name] : null]),
  ) as Pick<TagView, (typeof BOUNDS)[number]>;
  const digits = Math.abs(total.value) >= 1000 ? 0 : Math.abs(total.value) >= 10 ? 1 : 2;
  return { value: of === 0 ? null : total.value, of, all: found.length, tag: plain({ ...bounds, unit, digits }) };
}

const BOUNDS = ["low", "high", "normalLow", "normalHigh"] as const;

function inUnit(tag: TagFacts, value: number, unit: string) {
  const to = (from: number | null) => (from === null ? null : tag.unit === unit ? from : convert(from, tag.unit, unit));
  const known = to(value);
  if (known === null) return null;
  return { value: known, low: to(tag.low), high: to(tag.high), normalLow: to(tag.normalLow), normalHigh: to(tag.normalHigh) };
}

/** A GOOD value of a key over a connection that lives; null for anything else. */
function present(well: OverviewWell, row: OverviewRow | null, at: number): number | null {
  const value = row?.values[at];
  if (row === null || !value || value[1] !== "GOOD") return null;
  const status = row.connections.find((one) => one.connectionId === well.keys[at]?.connectionId);
  return status !== undefined && isConnected(status) ? value[0] : null;
}

function commonest(units: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const unit of units) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  return [...counts].sort((a, b) => b[1] - a[1])[0]?.[0] ?? "";
}

function plain(known: Partial<TagView>): TagView {
  return {
    unit: "",
    digits: 0,
    dataType: "float64",
    stateNames: {},
    protocol: "",
    intervalS: null,
    staleAfterS: null,
    low: known.high === undefined ? null : 0,
    high: null,
    normalLow: null,
    normalHigh: null,
    limits: [],
    ...known,
  };
}
