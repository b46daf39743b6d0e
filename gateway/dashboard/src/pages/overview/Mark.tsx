import { AlarmDrawing, AlarmShape, alarmClass } from "../../parts/AlarmShape.tsx";
import { WellDrawing, WellMark } from "../../parts/WellMark.tsx";
import type { Look } from "./judged.ts";

/** The mark of a row. */
export function RowMark({ look }: { look: Look }) {
  return "alarm" in look ? <AlarmShape {...look.alarm} /> : <WellMark look={look.well} />;
}

/** The same inside another drawing, in a box of 20 × 20. */
export function TileMark({ look }: { look: Look }) {
  if ("well" in look) return <WellDrawing look={look.well} />;
  const { priority, unacknowledged = false } = look.alarm;
  return (
    <g class={alarmClass(look.alarm)}>
      <AlarmDrawing priority={priority} unacknowledged={unacknowledged} />
    </g>
  );
}
