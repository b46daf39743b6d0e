import { alarmWords } from "../../frame/alarm-words.ts";
import { whyNot } from "../../frame/gateway.ts";
import { nowMs } from "../../frame/now.ts";
import { live } from "../../live/live.ts";
import { chattering, shapeOf, sinceMs, standing } from "../../model/alarms.ts";
import { ageText } from "../../model/times.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { Button } from "../../parts/Button.tsx";
import { Panel } from "../../parts/Panel.tsx";
import type { Alarm, AlarmEvent } from "../../rest/types/alarms.ts";

/** Those that come and go, and those that never go: named, so that somebody mends them. */
export function Nuisances({ alarms, events, onShelve }: { alarms: readonly Alarm[]; events: readonly AlarmEvent[]; onShelve: (alarm: Alarm) => void }) {
  const known = new Map(alarms.map((one) => [one.alarmId, one]));
  const restless = chattering(events).flatMap((one) => {
    const alarm = known.get(one.alarmId);
    return alarm === undefined ? [] : [{ alarm, raised: one.raised }];
  });
  const old = standing(alarms, nowMs.value);
  return (
    <div class="col gap3 side">
      <Panel title="Chattering" aside={<small>3 or more in a minute</small>} pad={false}>
        {restless.length === 0 && <p class="pad dim2">None.</p>}
        {restless.map(({ alarm, raised }) => (
          <Row key={alarm.alarmId} alarm={alarm} says={`${raised} times in the last 24 min`}>
            <Button off={whyNot("shelve")} offSaidNearby onClick={() => onShelve(alarm)}>
              Shelve…
            </Button>
          </Row>
        ))}
      </Panel>
      <Panel title="Standing" aside={<small>over 24 h</small>} pad={false}>
        {old.length === 0 && <p class="pad dim2">None.</p>}
        {old.map((alarm) => (
          <Row key={alarm.alarmId} alarm={alarm} says={ageText(nowMs.value - (sinceMs(alarm) ?? nowMs.value))} />
        ))}
      </Panel>
      <Panel title="During a flood">
        <p class="dim2">
          One sound for the whole flood, again for each new critical alarm. The banner shows what came first in the most urgent group. Acknowledging a group takes a comment.
        </p>
      </Panel>
    </div>
  );
}

function Row({ alarm, says, children }: { alarm: Alarm; says: string; children?: preact.ComponentChildren }) {
  const wells = live().overview.wells.value;
  const { where, what } = alarmWords(alarm, wells?.find((one) => one.wellId === alarm.wellId) ?? null);
  return (
    <div class="alrow">
      <AlarmShape {...shapeOf(alarm)} />
      <p>
        <b>
          {where} {what}
        </b>
        <br />
        <small class="dim2">{says}</small>
      </p>
      {children ?? <span />}
    </div>
  );
}
