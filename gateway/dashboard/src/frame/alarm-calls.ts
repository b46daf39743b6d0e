// New alarms, told to screen readers: critical ones at once, the others gathered.

import { live } from "../live/live.ts";
import { TO_ACKNOWLEDGE, mostUrgent } from "../model/alarms.ts";
import { counted } from "../model/numbers.ts";
import type { Alarm } from "../rest/types/alarms.ts";
import { alarmWords, spoken } from "./alarm-words.ts";
import { POLITE_EVERY_MS, announce, announceUrgent } from "./announce.ts";

/** Tells from now on; answers how to stop. */
export function callAlarms(): () => void {
  const fresh = new Map<string, Alarm>();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const stop = live().alarms.onEvent((alarm, event) => {
    if (event?.kind !== "raised" || !TO_ACKNOWLEDGE.has(alarm.state)) return;
    if (alarm.priority === 1) {
      announceUrgent(`Critical alarm: ${inWords(alarm)}`);
      return;
    }
    fresh.set(alarm.alarmId, alarm);
    announce(sum(fresh));
    timer ??= setTimeout(() => {
      fresh.clear();
      timer = undefined;
    }, POLITE_EVERY_MS);
  });
  return () => {
    stop();
    clearTimeout(timer);
  };
}

function sum(fresh: ReadonlyMap<string, Alarm>): string {
  const first = mostUrgent(fresh.values());
  if (first === null) return "";
  if (fresh.size === 1) return `New alarm: ${inWords(first)}`;
  return `${counted(fresh.size, "new alarm")}, most urgent: ${inWords(first)}`;
}

function inWords(alarm: Alarm): string {
  const well =
    live()
      .overview.wells.peek()
      ?.find((one) => one.wellId === alarm.wellId) ?? null;
  return spoken(alarmWords(alarm, well));
}
