import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect, useRef } from "preact/hooks";
import { useKeys } from "../../frame/keys.ts";
import { Button } from "../../parts/Button.tsx";
import { Chip } from "../../parts/Chip.tsx";
import { Field } from "../../parts/Field.tsx";
import { Icon } from "../../parts/Icon.tsx";
import type { OverviewWell } from "../../rest/types/wells.ts";
import { told } from "./ListKeys.tsx";
import { type Narrowing, SHOWS, type Show, addressOf, choicesOf, placeWords } from "./narrowed.ts";

const TOLD_FOR_MS = 8_000;
const WORDS: Record<Show, string> = {
  all: "Needs attention first",
  alarm: "Alarm",
  down: "Down",
  "no-data": "No data",
  quality: "Quality",
};

export interface ToolsProps {
  wells: readonly OverviewWell[];
  counts: Record<Show, number>;
  narrowing: Narrowing;
}

/** Chips and the filter. What is chosen stands in the address. */
export function Tools({ wells, counts, narrowing }: ToolsProps) {
  const { query, route } = useLocation();
  const isOpen = useSignal(false);
  const panel = useRef<HTMLDivElement>(null);
  const change = (to: Partial<Narrowing>) => route(addressOf({ ...narrowing, ...to }, query), true);
  const place = placeWords(narrowing);
  useKeys("Overview, filter", [{ key: "f", says: "Filter by route, pad and type", run: () => (isOpen.value = !isOpen.value) }]);
  useEffect(() => {
    if (isOpen.value) panel.current?.querySelector("select")?.focus();
  }, [isOpen.value]);
  useEffect(() => {
    if (told.value === null) return;
    const timer = setTimeout(() => (told.value = null), TOLD_FOR_MS);
    return () => clearTimeout(timer);
  }, [told.value]);
  return (
    <>
      <div class="tools">
        <div class="chips scroll grow" role="group" aria-label="Which wells are listed">
          {SHOWS.map((show) => (
            <Chip key={show} count={counts[show]} chosen={narrowing.show === show} onClick={() => change({ show })}>
              {WORDS[show]}
            </Chip>
          ))}
        </div>
        <Button label={`Filter: ${place ?? "Route, pad, type"}`} expanded={isOpen.value} onClick={() => (isOpen.value = !isOpen.value)}>
          <Icon name="filter" /> <span>{place ?? "Route, pad, type"}</span>
        </Button>
      </div>
      {told.value !== null && <p class="told">{told.value}</p>}
      {isOpen.value && (
        <div
          class="narrow"
          ref={panel}
          role="group"
          aria-label="Filter"
          onKeyDown={(event) => {
            if (event.key === "Escape") isOpen.value = false;
          }}
        >
          {(["route", "pad", "type"] as const).map((name) => (
            <Choice key={name} name={name} wells={wells} value={narrowing[name]} onChange={(value) => change({ [name]: value })} />
          ))}
          <Button onClick={() => change({ route: null, pad: null, type: null })} off={place === null ? "Nothing is filtered." : null} offSaidNearby>
            Show all
          </Button>
          <Button onClick={() => (isOpen.value = false)}>Close</Button>
        </div>
      )}
    </>
  );
}

function Choice({ name, wells, value, onChange }: { name: "route" | "pad" | "type"; wells: readonly OverviewWell[]; value: string | null; onChange: (value: string | null) => void }) {
  const choices = choicesOf(wells, name);
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  return (
    <Field label={title}>
      {(ties) => (
        <select {...ties} class="input" value={value ?? ""} onChange={(event) => onChange(event.currentTarget.value || null)}>
          <option value="">{choices.length === 0 ? "no well tells one" : `every ${name}`}</option>
          {value !== null && !choices.includes(value) && <option value={value}>{value}</option>}
          {choices.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
