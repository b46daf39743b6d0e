import { Button } from "../../parts/Button.tsx";
import { Field } from "../../parts/Field.tsx";
import type { View } from "./view.ts";

export interface FilterBarProps {
  view: View;
  protocols: readonly string[];
  pads: readonly string[];
  onChange: (change: Partial<View>) => void;
}

/** By protocol and pad. */
export function FilterBar({ view, protocols, pads, onChange }: FilterBarProps) {
  return (
    <section class="panel filter" aria-label="Filter">
      <Choice label="Protocol" all="All protocols" options={protocols} value={view.protocol} onChange={(protocol) => onChange({ protocol })} />
      <Choice label="Pad" all="All pads" options={pads} value={view.pad} onChange={(pad) => onChange({ pad })} />
      <Button onClick={() => onChange({ protocol: "", pad: "" })}>Show all</Button>
    </section>
  );
}

interface ChoiceProps {
  label: string;
  all: string;
  options: readonly string[];
  value: string;
  onChange: (value: string) => void;
}

function Choice({ label, all, options, value, onChange }: ChoiceProps) {
  return (
    <Field label={label}>
      {(ties) => (
        <select {...ties} class="input" value={value} onChange={(event) => onChange(event.currentTarget.value)}>
          <option value="">{all}</option>
          {options.map((one) => (
            <option key={one} value={one}>
              {one}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
