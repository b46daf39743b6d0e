// Every well with why it stands where it stands. Pure; the same object as before where nothing changed.

import type { OverviewRow } from "../../live/overview.ts";
import { shapeOf } from "../../model/alarms.ts";
import {
  type Attention,
  type WorstTag,
  attentionOf,
  compareAttention,
  titleOf,
} from "../../model/attention.ts";
import { valueText } from "../../model/present.ts";
import type { AlarmShapeProps } from "../../parts/AlarmShape.tsx";
import type { WellLook } from "../../parts/WellMark.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";

/** A well as the page has it. */
export interface Judged {
  wellId: string;
  well: OverviewWell;
  attention: Attention;
  worst: WorstTag | null;
}

/** What tells that a well stands: a role of the process pictures. */
export const RUN_STATUS = "run_status";

/** In the order of attention. before: what was judged last, to keep what has not changed. */
export function judge(
  wells: readonly OverviewWell[],
  rowOf: (wellId: string) => OverviewRow | null,
  alarms: readonly Alarm[],
  before: ReadonlyMap<string, Judged> = new Map(),
): Judged[] {
  const ofWells = byWell(alarms);
  return wells
    .map((well) => {
      const row = rowOf(well.wellId);
      const attention = attentionOf({
        wellId: well.wellId,
        keys: well.keys,
        alarms: ofWells.get(well.wellId) ?? [],
        connections: row?.connections ?? [],
        worst: row?.worst ?? null,
        stopped: row === null ? null : stoppedOf(well, row),
      });
      const judged = { wellId: well.wellId, well, attention, worst: row?.worst ?? null };
      const known = before.get(well.wellId);
      return known !== undefined && isSame(known, judged) ? known : judged;
    })
    .sort(compareAttention);
}

/** It stands, where its run status says so now; since when is not in one reading. */
export function stoppedOf(
  well: OverviewWell,
  row: Pick<OverviewRow, "values">,
): { sinceMs: null; words: string } | null {
  const at = well.keys.findIndex((tag) => tag.tagName === RUN_STATUS);
  const [tag, value] = [well.keys[at], row.values[at]];
  if (tag === undefined || !value || value[0] !== 0 || value[1] !== "GOOD") return null;
  const word = tag.stateNames["0"] === undefined ? "0" : valueText(0, tag);
  return { sinceMs: null, words: `${titleOf(tag)} ${word}` };
}

/** How a well is drawn: an alarm, or a state without one. */
export type Look =
  | { alarm: Pick<AlarmShapeProps, "priority" | "unacknowledged" | "returned"> }
  | { well: WellLook };

export function lookOf({ attention, worst }: Pick<Judged, "attention" | "worst">): Look {
  if (attention.alarm !== null) return { alarm: shapeOf(attention.alarm) };
  switch (attention.kind) {
    case "down":
    case "no-data":
      return { well: attention.kind };
    case "quality":
      return { well: worst?.quality === "UNCERTAIN" ? "uncertain" : "bad" };
    default:
      return { well: "normal" };
  }
}

/** The title, else the id. */
export function nameOf(well: OverviewWell): string {
  return well.title || well.wellId;
}

function byWell(alarms: readonly Alarm[]): Map<string, Alarm[]> {
  const found = new Map<string, Alarm[]>();
  for (const alarm of alarms) {
    const known = found.get(alarm.wellId);
    if (known === undefined) found.set(alarm.wellId, [alarm]);
    else known.push(alarm);
  }
  return found;
}

function isSame(a: Judged, b: Judged): boolean {
  const [one, other] = [a.attention, b.attention];
  return (
    a.well === b.well &&
    a.worst?.tagName === b.worst?.tagName &&
    a.worst?.quality === b.worst?.quality &&
    a.worst?.reason === b.worst?.reason &&
    one.kind === other.kind &&
    one.alarm === other.alarm &&
    one.headline === other.headline &&
    one.detail === other.detail &&
    one.connectionId === other.connectionId
  );
}
