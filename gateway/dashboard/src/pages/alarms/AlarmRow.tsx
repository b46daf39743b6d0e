import { alarmWords } from "../../frame/alarm-words.ts";
import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { TO_ACKNOWLEDGE, shapeOf, sinceMs } from "../../model/alarms.ts";
import { ageText, untilText, msOrNull, whenText } from "../../model/times.ts";
import { typeWords } from "../../model/well-type.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { type StateGlyph, StateMark } from "../../parts/StateMark.tsx";
import type { Alarm, AlarmState } from "../../rest/types/alarms.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";
import { refusals } from "./acting.ts";

const MARKS: Record<AlarmState, [StateGlyph, string]> = {
  normal: ["ok", "NORMAL"],
  unacknowledged: ["attention", "UNACK"],
  acknowledged: ["check", "ACK"],
  returned_unacknowledged: ["returned", "RETURNED"],
  latched_unacknowledged: ["attention", "LATCHED"],
  latched_acknowledged: ["check", "LATCHED"],
  shelved: ["clock", "SHELVED"],
  suppressed: ["blocked", "SUPPRESSED"],
  out_of_service: ["pause", "OUT"],
};

export interface AlarmRowProps {
  alarm: Alarm;
  well: OverviewWell | null;
  /** Place in the list, from 1. */
  row: number;
  isSelected: boolean;
  isChosen: boolean;
  /** Where it stands in the list [px]; null: it flows. */
  top: number | null;
  onChoose: () => void;
  onSelect: () => void;
}

export function AlarmRow({ alarm, well, row, isSelected, isChosen, top, onChoose, onSelect }: AlarmRowProps) {
  const words = alarmWords(alarm, well);
  const [glyph, word] = MARKS[alarm.state];
  const since = sinceMs(alarm);
  const tint = TO_ACKNOWLEDGE.has(alarm.state) ? ` t${alarm.priority}` : "";
  const said = refusals.value.get(alarm.alarmId);
  return (
    <div
      role="row"
      aria-rowindex={row + 1}
      aria-selected={isSelected}
      data-alarm={alarm.alarmId}
      tabIndex={isChosen ? 0 : -1}
      class={`tr alt${tint}${isChosen ? " sel" : ""}`}
      style={top === null ? undefined : { transform: `translateY(${top}px)` }}
      onClick={onChoose}
    >
      <span role="gridcell">
        <input
          type="checkbox"
          class="chk"
          tabIndex={-1}
          aria-label={`Select ${words.where} ${words.what}`}
          checked={isSelected}
          onClick={(event) => {
            event.stopPropagation();
            onSelect();
          }}
        />
      </span>
      <span role="gridcell">
        <AlarmShape {...shapeOf(alarm)} />
      </span>
      <span role="gridcell" class="st">
        <StateMark glyph={glyph}>{word}</StateMark>
      </span>
      <span role="gridcell" class="w cut">
        <b class="nm">{words.where}</b>
        <br class="only-desk" />
        <small>{typeWords(well?.type ?? "")}</small>
      </span>
      <span role="gridcell" class="msg">
        <p>
          <b>{words.what}</b>
        </p>
        <p>{said === undefined ? <small>{underneath(alarm)}</small> : <small class="said">{said}</small>}</p>
      </span>
      <span role="gridcell" class="vs num">
        <b>{words.value || "–"}</b>
        <br class="only-desk" /> <small>{words.against}</small>
      </span>
      <span role="gridcell" class="when num">
        <b>{since === null ? "–" : ageText(nowMs.value - since)}</b>
        <br class="only-desk" />
        <small class="only-desk">{since === null ? "" : whenText(since, nowMs.value, zone.value)}</small>
      </span>
    </div>
  );
}

/** What matters most of it in one line. */
function underneath(alarm: Alarm): string {
  const until = msOrNull(alarm.shelvedUntil);
  if (alarm.state === "shelved" && until !== null) {
    return `Shelved by ${alarm.shelvedBy ?? "somebody"}, ${untilText(until - nowMs.value)} left. ${alarm.comment}`;
  }
  if (!alarm.confirmed) return "Told by the worker just now; not stored yet.";
  if (alarm.state === "returned_unacknowledged") return "Back to normal; nobody has seen it yet.";
  if (alarm.comment !== "") return `${alarm.acknowledgedBy ?? ""}: ${alarm.comment}`;
  return alarm.response || alarm.message;
}
