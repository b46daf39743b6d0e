// Which alarm the banner shows, and its sums. Pure.

import { TO_ACKNOWLEDGE, countAlarms, mostUrgent } from "../model/alarms.ts";
import type { Alarm, Priority } from "../rest/types/alarms.ts";

export interface BannerCounts {
  total: Record<Priority, number>;
  unacknowledged: Record<Priority, number>;
}

/** In a flood what came first, as long as nobody has acknowledged it; else the most urgent. */
export function firstOf(all: readonly Alarm[], firstOut: string | undefined): Alarm | null {
  const named = firstOut === undefined ? undefined : all.find((one) => one.alarmId === firstOut);
  return named !== undefined && TO_ACKNOWLEDGE.has(named.state) ? named : mostUrgent(all);
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
