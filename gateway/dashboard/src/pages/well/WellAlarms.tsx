import { alarmWords } from "../../frame/alarm-words.ts";
import { client, whyNot } from "../../frame/gateway.ts";
import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { live } from "../../live/live.ts";
import { STATE_WORDS, TO_ACKNOWLEDGE, shapeOf, sinceMs } from "../../model/alarms.ts";
import { counted } from "../../model/numbers.ts";
import { ageText, clockText } from "../../model/times.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { Button } from "../../parts/Button.tsx";
import { Panel } from "../../parts/Panel.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { useAcknowledge } from "./use-acknowledge.ts";
import type { WellAlarms as Alarms } from "./use-well-alarms.ts";

export interface WellAlarmsProps {
  well: WellAnswer;
  alarms: Alarms;
}

/** What is wrong at this well, what it means and what to do. */
export function WellAlarms({ well, alarms }: WellAlarmsProps) {
  const { handled, setAside } = alarms;
  const ringing = handled.filter((one) => TO_ACKNOWLEDGE.has(one.state)).length;
  const { isLoaded } = live().alarms;
  return (
    <Panel
      title="Alarms on this well"
      pad={false}
      aside={<small>{ringing > 0 ? `${ringing} unacknowledged` : handled.length > 0 ? "all acknowledged" : ""}</small>}
    >
      {!isLoaded.value && <p class="pad dim2">Alarms are being read…</p>}
      {isLoaded.value && handled.length === 0 && (
        <p class="pad dim2">No active alarms, {clockText(nowMs.value, zone.value)}.</p>
      )}
      {handled.map((alarm) => (
        <AlarmOfWell key={alarm.alarmId} alarm={alarm} well={well} />
      ))}
      {setAside > 0 && (
        <p class="pad">
          <a class="link" href="/alarms?tab=shelved">
            {counted(setAside, "alarm")} of this well set aside
          </a>
        </p>
      )}
    </Panel>
  );
}

function AlarmOfWell({ alarm, well }: { alarm: Alarm; well: WellAnswer }) {
  const { acknowledge, isRunning, said } = useAcknowledge(client);
  const words = alarmWords(alarm, { title: well.title, keys: well.tags });
  const from = sinceMs(alarm);
  const toAcknowledge = TO_ACKNOWLEDGE.has(alarm.state);
  const what = alarm.wellId === "" ? `${words.where}: ${words.what}` : words.what;
  const age = from === null ? "" : `${alarm.active ? "for" : "raised"} ${ageText(nowMs.value - from)}${alarm.active ? "" : " ago"}`;
  const parts = [`${words.value} ${words.against}`.trim(), age];
  const off = isRunning ? "It is being acknowledged." : live().alarms.current.value ? whyNot("acknowledge") : "The gateway cannot read its alarms now.";
  return (
    <div class={toAcknowledge ? `alrow t${alarm.priority}` : "alrow"}>
      <AlarmShape {...shapeOf(alarm)} />
      <p>
        <a href={`/alarms?alarm=${encodeURIComponent(alarm.alarmId)}`}>
          <b>{what}</b>
        </a>
        <br />
        <small class="dim2">
          {parts.filter((one) => one !== "").join(alarm.active ? " " : ", ")}.
          {sentence(alarm.consequence)}
          {alarm.response !== "" && <> Respond:{sentence(alarm.response)}</>}
          {alarm.state !== "unacknowledged" && (
            <b>
              {" "}
              {STATE_WORDS[alarm.state]}
              {alarm.acknowledgedBy !== null && !toAcknowledge && ` by ${alarm.acknowledgedBy}`}.
            </b>
          )}
          {!alarm.confirmed && " Not stored yet."}
        </small>
        {said !== null && (
          <>
            <br />
            <small role="status">
              <b>{said}</b>
            </small>
          </>
        )}
      </p>
      {toAcknowledge && (
        <span class="ack">
          <Button off={off} label={`Acknowledge ${what}`} onClick={() => void acknowledge(alarm)}>
            Ack
          </Button>
        </span>
      )}
    </div>
  );
}

/** As a sentence behind others. */
function sentence(text: string): string {
  const plain = text.trim();
  if (plain === "") return "";
  return ` ${plain}${/[.!?]$/.test(plain) ? "" : "."}`;
}
