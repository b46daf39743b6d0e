import { PRIORITIES } from "../../model/alarms.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { WellMark } from "../../parts/WellMark.tsx";
import type { Show } from "./narrowed.ts";

/** What the tiles mean, and how many there are of each. */
export function Legend({ counts }: { counts: Record<Show, number> }) {
  const normal = counts.all - counts.alarm - counts.down - counts["no-data"] - counts.quality;
  return (
    <div class="legend">
      <span>
        <b>{counts.alarm}</b>
        {PRIORITIES.map((priority) => (
          <AlarmShape key={priority} priority={priority} size="s" silent />
        ))}
        alarm
      </span>
      <span>
        <b>{counts.down}</b>
        <WellMark look="down" silent /> down
      </span>
      <span>
        <b>{counts["no-data"]}</b>
        <WellMark look="no-data" silent /> no data
      </span>
      <span>
        <b>{counts.quality}</b>
        <WellMark look="bad" silent />
        <WellMark look="uncertain" silent /> quality
      </span>
      <span>
        <b>{normal}</b>
        <WellMark look="normal" silent /> normal
      </span>
    </div>
  );
}
