// Which wells the list shows: the chip and the filter, both in the address so that a link has them.

import type { Kind } from "../../model/attention.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";
import type { Judged } from "./judged.ts";

export const SHOWS = ["all", "alarm", "down", "no-data", "quality"] as const;
export type Show = (typeof SHOWS)[number];

export interface Narrowing {
  show: Show;
  route: string | null;
  pad: string | null;
  type: string | null;
}

const OF_SHOW: Record<Exclude<Show, "all" | "alarm">, Kind> = {
  down: "down",
  "no-data": "no-data",
  quality: "quality",
};

/** What the address says. */
export function narrowingOf(query: Record<string, string | undefined>): Narrowing {
  const show = SHOWS.find((one) => one === query["show"]) ?? "all";
  const said = (name: string) => query[name] ?? null;
  return { show, route: said("route"), pad: said("pad"), type: said("type") };
}

/** The address that says it; what else the query had (the wall) stays. */
export function addressOf(narrowing: Narrowing, query: Record<string, string | undefined>): string {
  const said = new URLSearchParams();
  if (query["wall"] !== undefined) said.set("wall", query["wall"]);
  if (narrowing.show !== "all") said.set("show", narrowing.show);
  for (const name of ["route", "pad", "type"] as const) {
    const value = narrowing[name];
    if (value !== null) said.set(name, value);
  }
  const text = said.toString();
  return text === "" ? "/" : `/?${text}`;
}

/** Of the route, pad and type. */
export function ofPlace(judged: readonly Judged[], wanted: Narrowing): Judged[] {
  return judged.filter(
    ({ well }) =>
      (wanted.route === null || well.route === wanted.route) &&
      (wanted.pad === null || well.pad === wanted.pad) &&
      (wanted.type === null || well.type === wanted.type),
  );
}

export function isShown({ attention }: Pick<Judged, "attention">, show: Show): boolean {
  if (show === "all") return true;
  if (show === "alarm") return attention.alarm !== null;
  return attention.kind === OF_SHOW[show];
}

/** How many wells are behind each chip. */
export function countShows(judged: readonly Judged[]): Record<Show, number> {
  const counts = { all: 0, alarm: 0, down: 0, "no-data": 0, quality: 0 };
  for (const one of judged) {
    for (const show of SHOWS) if (isShown(one, show)) counts[show] += 1;
  }
  return counts;
}

/** What can be chosen, in order of names; "" is left out: nobody told. */
export function choicesOf(wells: readonly OverviewWell[], name: "route" | "pad" | "type"): string[] {
  const found = new Set(wells.map((well) => well[name]).filter((one) => one !== ""));
  return [...found].sort((a, b) => a.localeCompare(b, "en", { numeric: true }));
}

/** "Route North, pad 7"; null: nothing is filtered. */
export function placeWords(narrowing: Narrowing): string | null {
  const parts = (["route", "pad", "type"] as const)
    .filter((name) => narrowing[name] !== null)
    .map((name) => `${name} ${narrowing[name]}`);
  return parts.length === 0 ? null : parts.join(", ");
}
