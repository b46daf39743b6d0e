// The rows of the list: wells, several behind one dead device as one, and in a flood headings of routes.

import { type Folded, foldSilent } from "../../model/attention.ts";
import type { Judged } from "./judged.ts";

export type Item =
  | { kind: "well"; key: string; judged: Judged; others: number }
  | { kind: "route"; key: string; route: string; wells: number; alarms: number };

/** In the given order. The key of a fold is its first well's, so that it stays the same row. */
export function itemsOf(judged: readonly Judged[]): Item[] {
  const known = new Map(judged.map((one) => [one.wellId, one]));
  return foldSilent(judged).flatMap((fold: Folded) => {
    const first = known.get(fold.wellId);
    if (first === undefined) return [];
    return [{ kind: "well" as const, key: fold.wellId, judged: first, others: fold.wells.length - 1 }];
  });
}

/** In a flood: under a heading for each route, the route of the most urgent well first. */
export function byRoute(items: readonly Item[]): Item[] {
  const routes = new Map<string, Item[]>();
  for (const item of items) {
    if (item.kind !== "well") continue;
    const { route } = item.judged.well;
    const known = routes.get(route);
    if (known === undefined) routes.set(route, [item]);
    else known.push(item);
  }
  return [...routes].flatMap(([route, members]) => {
    const wells = members.reduce((sum, one) => sum + (one.kind === "well" ? one.others + 1 : 0), 0);
    const alarms = members.filter((one) => one.kind === "well" && one.judged.attention.alarm !== null);
    return [
      { kind: "route" as const, key: `route ${route}`, route, wells, alarms: alarms.length },
      ...members,
    ];
  });
}

/** The titles of the key columns: where all wells agree, that one; else null, and each cell says its own. */
export function columnTitles(
  wells: readonly { keys: readonly { tagName: string; title: string }[] }[],
  titleOf: (tag: { tagName: string; title: string }) => string,
): (string | null)[] {
  const most = Math.max(0, ...wells.map((well) => well.keys.length));
  return Array.from({ length: Math.min(most, 3) }, (_, at) => {
    const titles = new Set(wells.flatMap((well) => (well.keys[at] ? [titleOf(well.keys[at])] : [])));
    return titles.size === 1 ? ([...titles][0] ?? null) : null;
  });
}
