import { useComputed } from "@preact/signals";
import { useLocation } from "preact-iso";
import { serverNow } from "../../live/clock.ts";
import { live } from "../../live/live.ts";
import { wellLink } from "../../model/links.ts";
import { judge } from "../overview/judged.ts";
import { type Neighbours, type Walk, neighboursOf, walkOrder } from "./neighbours.ts";

let walk: Walk | null = null;

/** The well before and after, and how to go there; the view stays. */
export function useNeighbours(wellId: string, view: "" | "tags" | "events"): Neighbours & { go: (to: string | null) => void } {
  const { route } = useLocation();
  const wanted = useComputed(() => {
    const { overview, alarms } = live();
    void overview.revision.value;
    const judged = judge(overview.wells.value ?? [], (one) => overview.row(one), alarms.all.value);
    return judged.map((one) => one.wellId).join("\n");
  });
  const listed = wanted.value === "" ? [] : wanted.value.split("\n");
  const order = walkOrder(walk, listed, serverNow());
  return {
    ...neighboursOf(wellId, order),
    go(to) {
      if (to === null) return;
      walk = { order, usedMs: serverNow() };
      route(wellLink(to, view));
    },
  };
}
