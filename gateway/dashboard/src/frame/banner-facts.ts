// Which alarm the banner shows, and its sums. Pure.

import { TO_ACKNOWLEDGE, countAlarms, mostUrgent } from "../model/alarms.ts";
import type { Alarm, Priority } from "../rest/types/alarms.ts";

export interface BannerCounts {
  total: Record<Priority, number>;
  unacknowledged: Record<Priority, number>;
}

export interface BannerAlarm {
  alarm: Alarm;
  /** What its group began with, rather than the most urgent of all. */
  isFirstOut: boolean;
}

/**
 * Without a flood the most urgent that nobody has acknowledged. In a flood what came first in a
 * group, the worst group first. There one that has returned waits for those that are still active:
 * they are what has to be handled. null: all are acknowledged.
 *
 * firstOuts: of the flood's groups, in their order; null without a flood.
 */
export function firstOf(
  all: readonly Alarm[],
  firstOuts: readonly string[] | null,
): BannerAlarm | null {
  if (firstOuts !== null) {
    const open = new Map(
      all.filter((one) => TO_ACKNOWLEDGE.has(one.state)).map((one) => [one.alarmId, one]),
    );
    const firsts = firstOuts.flatMap((alarmId) => open.get(alarmId) ?? []);
    const leading = firsts.find(isActive);
    if (leading !== undefined) return { alarm: leading, isFirstOut: true };
    const active = mostUrgent([...open.values()].filter(isActive));
    if (active !== null) return { alarm: active, isFirstOut: false };
    if (firsts[0] !== undefined) return { alarm: firsts[0], isFirstOut: true };
  }
  const alarm = mostUrgent(all);
  return alarm === null ? null : { alarm, isFirstOut: false };
}

function isActive({ active }: Alarm): boolean {
  return active;
}

export function bannerCounts(all: readonly Alarm[]): BannerCounts {
  const { byPriority, unacknowledgedByPriority } = countAlarms(all);
  const of = (counted: Record<string, number>) =>
    ({
      1: counted[1] ?? 0,
      2: counted[2] ?? 0,
      3: counted[3] ?? 0,
      4: counted[4] ?? 0,
    }) satisfies Record<Priority, number>;
  return { total: of(byPriority), unacknowledged: of(unacknowledgedByPriority) };
}
