import { Panel } from "../../parts/Panel.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { keyValues } from "./chosen.ts";
import { KeyValue } from "./KeyValue.tsx";

/** The values that say most of a well, each in its range. */
export function KeyValues({ well, alarms }: { well: WellAnswer; alarms: readonly Alarm[] }) {
  const tags = keyValues(well, alarms);
  return (
    <Panel title="Key values" pad={false} aside={<small class="only-desk">bar: range, shaded normal, ticks limits</small>}>
      {tags.length === 0 && <p class="pad dim2">No tag of this well is a measured number.</p>}
      {tags.map((tag) => (
        <KeyValue key={tag.tagName} well={well} tag={tag} alarms={alarms.filter((one) => one.tagName === tag.tagName)} />
      ))}
    </Panel>
  );
}
