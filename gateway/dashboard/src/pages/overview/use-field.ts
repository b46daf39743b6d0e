import { computed } from "@preact/signals";
import { useMemo } from "preact/hooks";
import { live } from "../../live/live.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";
import { type FieldFigures, figuresOf } from "./figures.ts";
import { type Judged, judge } from "./judged.ts";

export interface FieldNow {
  wells: readonly OverviewWell[];
  /** In the order of attention. */
  judged: readonly Judged[];
}

/** All wells as they are now; null until wells, values and alarms were heard. New only where something changed. */
export function useField(): FieldNow | null {
  const now = useMemo(() => {
    let before: FieldNow | null = null;
    let known: ReadonlyMap<string, Judged> = new Map();
    return computed((): FieldNow | null => {
      const { overview, alarms } = live();
      const wells = overview.wells.value;
      const all = alarms.all.value;
      void overview.revision.value; // its rows are no signals
      if (wells === null || overview.asOf.value === null || !alarms.isLoaded.value) return null;
      const judged = judge(wells, (wellId) => overview.row(wellId), all, known);
      known = new Map(judged.map((one) => [one.wellId, one]));
      const isSame =
        before !== null &&
        before.wells === wells &&
        before.judged.length === judged.length &&
        before.judged.every((one, at) => one === judged[at]);
      if (!isSame) before = { wells, judged };
      return before;
    });
  }, []);
  return now.value;
}

/** The figures, once a second. */
export function useFigures(wells: readonly OverviewWell[]): FieldFigures {
  const { overview } = live();
  void overview.revision.value;
  return figuresOf(wells, (wellId) => overview.row(wellId));
}
