import { PRIORITIES, PRIORITY_WORDS, compareText } from "../../model/alarms.ts";
import { live } from "../../live/live.ts";
import { Chip } from "../../parts/Chip.tsx";
import { Field } from "../../parts/Field.tsx";
import { Button } from "../../parts/Button.tsx";
import type { Filter } from "./tabs.ts";

/** By priority, well and words. */
export function FilterBar({ filter, onChange }: { filter: Filter; onChange: (filter: Filter) => void }) {
  const wells = [...(live().overview.wells.value ?? [])].sort((a, b) => compareText(a.wellId, b.wellId));
  const { priorities, text, wellId } = filter;
  return (
    <section class="panel filter" aria-label="Filter">
      <fieldset>
        <legend>Priority</legend>
        <div class="chips">
          {PRIORITIES.map((one) => {
            const isOn = priorities.includes(one);
            return (
              <Chip
                key={one}
                chosen={isOn}
                onClick={() => onChange({ ...filter, priorities: isOn ? priorities.filter((other) => other !== one) : [...priorities, one].sort() })}
              >
                {one} {PRIORITY_WORDS[one]}
              </Chip>
            );
          })}
        </div>
      </fieldset>
      <Field label="Well">
        {(ties) => (
          <select {...ties} class="input" value={wellId} onChange={(event) => onChange({ ...filter, wellId: event.currentTarget.value })}>
            <option value="">All wells</option>
            {wells.map((well) => (
              <option key={well.wellId} value={well.wellId}>
                {well.title || well.wellId}
              </option>
            ))}
          </select>
        )}
      </Field>
      <Field label="Words" hint="in well, tag, message or connection">
        {(ties) => <input {...ties} class="input" type="search" value={text} onInput={(event) => onChange({ ...filter, text: event.currentTarget.value })} />}
      </Field>
      <Button onClick={() => onChange({ priorities: [], text: "", wellId: "" })}>Show all</Button>
    </section>
  );
}
