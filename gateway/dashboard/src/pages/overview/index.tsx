import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect, useMemo } from "preact/hooks";
import { useTitle } from "../../frame/title.ts";
import { live } from "../../live/live.ts";
import { FieldMap } from "./FieldMap.tsx";
import { Figures } from "./Figures.tsx";
import { Legend } from "./Legend.tsx";
import { Tools } from "./Tools.tsx";
import { NoWells, Waiting } from "./Waiting.tsx";
import { WellList } from "./WellList.tsx";
import { countShows, isShown, narrowingOf, ofPlace } from "./narrowed.ts";
import "./overview.css";
import { type FieldNow, useField } from "./use-field.ts";
import { useScreen } from "./use-screen.ts";

/** What needs somebody now, in all wells of the tenant. */
export default function Overview() {
  useTitle("Overview");
  const field = useField();
  return (
    <div class="fill">
      <h1 class="vh">Overview of all wells</h1>
      {field === null ? <Waiting /> : field.wells.length === 0 ? <NoWells /> : <Field field={field} />}
    </div>
  );
}

/** Whether the list has been painted once: the map of all wells has time until then. */
function useDrawn(): boolean {
  const isDrawn = useSignal(false);
  useEffect(() => {
    const next = requestAnimationFrame(() => setTimeout(() => (isDrawn.value = true)));
    return () => cancelAnimationFrame(next);
  }, []);
  return isDrawn.value;
}

function Field({ field }: { field: FieldNow }) {
  const { query } = useLocation();
  const screen = useScreen(query["wall"] !== undefined && query["wall"] !== "0");
  const isDrawn = useDrawn();
  const narrowing = narrowingOf(query);
  const { show, route, pad, type } = narrowing;
  const here = useMemo(() => ofPlace(field.judged, narrowing), [field, route, pad, type]);
  const listed = useMemo(() => here.filter((one) => isShown(one, show)), [here, show]);
  const all = useMemo(() => countShows(field.judged), [field]);
  return (
    <div class="ov">
      <section class="panel field" aria-label="Field at a glance">
        <Figures wells={field.wells} />
        <Legend counts={all} />
        {isDrawn && !screen.isPhone && <FieldMap judged={field.judged} narrowing={narrowing} />}
      </section>
      <section class="panel list" aria-label="Wells, those that need attention first">
        <Tools wells={field.wells} counts={countShows(here)} narrowing={narrowing} />
        <WellList
          judged={listed}
          all={field.wells.length}
          narrowed={JSON.stringify(narrowing)}
          isFlood={live().alarms.counts.value?.flood != null}
          screen={screen}
        />
      </section>
    </div>
  );
}
