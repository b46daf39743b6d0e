// The field as the map shows it: routes, their pads, and on each pad its wells by name. Pure.

import { type Judged, lookOf, nameOf } from "./judged.ts";

export interface Pad {
  pad: string;
  wells: Judged[];
  /** Changes when a tile looks otherwise. */
  signature: string;
}

export interface Route {
  route: string;
  pads: Pad[];
  wells: number;
  abnormal: number;
}

export function padsOf(judged: readonly Judged[]): Route[] {
  const routes = new Map<string, Map<string, Judged[]>>();
  for (const one of judged) {
    const { route, pad } = one.well;
    let pads = routes.get(route);
    if (pads === undefined) routes.set(route, (pads = new Map<string, Judged[]>()));
    const known = pads.get(pad);
    if (known === undefined) pads.set(pad, [one]);
    else known.push(one);
  }
  return [...routes].sort(byName).map(([route, pads]) => {
    const all = [...pads.values()].flat();
    return {
      route,
      pads: [...pads].sort(byName).map(([pad, wells]) => {
        wells.sort((a, b) => compare(nameOf(a.well), nameOf(b.well)));
        return { pad, wells, signature: wells.map((one) => `${one.wellId} ${JSON.stringify(lookOf(one))}`).join() };
      }),
      wells: all.length,
      abnormal: all.filter((one) => one.attention.kind !== "normal").length,
    };
  });
}

/** Those without a name come last. */
function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return Number(a[0] === "") - Number(b[0] === "") || compare(a[0], b[0]);
}

function compare(a: string, b: string): number {
  return a.localeCompare(b, "en", { numeric: true });
}
