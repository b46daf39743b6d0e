import { useSignal } from "@preact/signals";
import type { ComponentChildren } from "preact";
import { alarmWords } from "../../frame/alarm-words.ts";
import { whyNot } from "../../frame/gateway.ts";
import { zone } from "../../frame/zone.ts";
import { live } from "../../live/live.ts";
import { type groupByFirstOut, shapeOf, sinceMs } from "../../model/alarms.ts";
import { counted } from "../../model/numbers.ts";
import { clockMinutes, clockText, msOf } from "../../model/times.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { Button } from "../../parts/Button.tsx";
import { Panel } from "../../parts/Panel.tsx";
import type { Alarm, AlarmEvent, Counts } from "../../rest/types/alarms.ts";
import { isActing } from "./acting.ts";
import { sumInWords } from "./flood-words.ts";

const MINUTES = 24;
const AN_OPERATOR = 10;

export type Group = ReturnType<typeof groupByFirstOut>[number];

/** That it is a flood, since when and how bad; the sum is always whole. */
export function FloodHeader({ counts, events, nowMs, action }: { counts: Counts; events: readonly AlarmEvent[]; nowMs: number; action: ComponentChildren }) {
  const { flood, raisedIn10Min } = counts;
  if (flood === null) return null;
  const perMinute = minutesOf(events, nowMs);
  const most = Math.max(1, ...perMinute);
  return (
    <div class="flood" role="alert">
      <div>
        <b class="t-xl">Alarm flood since {clockMinutes(msOf(flood.since), zone.value)}</b>
        <p class="dim2">
          {counted(raisedIn10Min, "alarm")} in 10 minutes, the limit for one operator is {AN_OPERATOR}. The list is grouped by what came first. Nothing is hidden: {sumInWords(counts)}.
        </p>
      </div>
      <div class="minutes">
        <div class="hist" role="img" aria-label={`Alarms a minute over the last ${MINUTES} minutes, peak ${most}`}>
          {perMinute.map((number, at) => (
            <i key={at} class={number > AN_OPERATOR / 2 ? "over" : ""} style={{ "--h": `${Math.max(5, (number / most) * 100)}%` }} />
          ))}
        </div>
        <div class="ax">
          <span>{clockMinutes(nowMs - MINUTES * 60_000, zone.value)}</span>
          <span>alarms a minute</span>
          <span>{clockMinutes(nowMs, zone.value)}</span>
        </div>
      </div>
      {action}
    </div>
  );
}

/** How many were raised in each of the last minutes, the oldest first. */
export function minutesOf(events: readonly AlarmEvent[], nowMs: number): number[] {
  const perMinute = new Array<number>(MINUTES).fill(0);
  for (const event of events) {
    if (event.kind !== "raised") continue;
    const at = MINUTES - 1 - Math.floor((nowMs - msOf(event.at)) / 60_000);
    if (at >= 0 && at < MINUTES) perMinute[at] = (perMinute[at] ?? 0) + 1;
  }
  return perMinute;
}

export interface GroupsProps {
  groups: readonly Group[];
  onAcknowledge: (alarms: readonly Alarm[]) => void;
  onChoose: (alarmId: string) => void;
}

/** What came first in each place, and what followed it. Every alarm is in one group. */
export function Groups({ groups, onAcknowledge, onChoose }: GroupsProps) {
  const total = groups.reduce((sum, group) => sum + group.total, 0);
  return (
    <Panel title="What came first" pad={false} aside={<small>{`${counted(groups.length, "group")}, ${counted(total, "alarm")} in all`}</small>} class="scrolls">
      {groups.map((group) => (
        <GroupOf key={`${group.connectionId} ${group.wellId}`} group={group} onAcknowledge={onAcknowledge} onChoose={onChoose} />
      ))}
    </Panel>
  );
}

function GroupOf({ group, onAcknowledge, onChoose }: { group: Group } & Omit<GroupsProps, "groups">) {
  const isOpen = useSignal(false);
  const wells = live().overview.wells.value;
  const first = group.members.find((one) => one.alarmId === group.firstOut) ?? group.members[0];
  if (first === undefined) return null;
  const wellOf = (alarm: Alarm) => wells?.find((one) => one.wellId === alarm.wellId) ?? null;
  const words = alarmWords(first, wellOf(first));
  const since = sinceMs(first);
  const off = whyNot("acknowledge") ?? (isActing.value ? "It is on its way." : group.unacknowledged === 0 ? "All of them are acknowledged." : null);
  return (
    <div class="grp">
      <AlarmShape {...shapeOf(first)} size="l" />
      <div>
        <b>
          {words.where}: {words.what}
        </b>{" "}
        {group.total > 1 && <span class="tag">FIRST-OUT</span>}
        <br />
        <span class="dim2">
          {since === null ? "" : `${clockText(since, zone.value)} · `}
          {group.total > 1 ? `${counted(group.total - 1, "alarm")} followed` : "Not part of a group"}
        </span>
      </div>
      <div class="row">
        <Button off={off} offSaidNearby onClick={() => onAcknowledge(group.members)}>
          {group.total > 1 ? "Acknowledge group…" : "Acknowledge…"}
        </Button>
        <Button expanded={isOpen.value} onClick={() => (isOpen.value = !isOpen.value)}>
          {isOpen.value ? "Hide" : "Show all"}
        </Button>
      </div>
      <p class="cause dim2">
        <small>{kinds(group.members)}</small>
      </p>
      {isOpen.value && (
        <ul class="members">
          {group.members.map((alarm) => {
            const { where, what, value, against } = alarmWords(alarm, wellOf(alarm));
            return (
              <li key={alarm.alarmId} class="alrow">
                <AlarmShape {...shapeOf(alarm)} />
                <p>
                  <b class="nm">{where}</b> {what} <span class="dim">{`${value} ${against}`}</span>
                </p>
                <Button onClick={() => onChoose(alarm.alarmId)}>Look</Button>
              </li>
            );
          })}
        </ul>
      )}
    </div>
  );
}

/** "Tubing pressure Lo ×14, oil rate Lo ×6" */
function kinds(alarms: readonly Alarm[]): string {
  const counts = new Map<string, number>();
  for (const alarm of alarms) {
    const { what } = alarmWords(alarm, null);
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }
  return [...counts]
    .sort((a, b) => b[1] - a[1])
    .slice(0, 6)
    .map(([what, number]) => `${what} ×${number}`)
    .join(", ");
}
