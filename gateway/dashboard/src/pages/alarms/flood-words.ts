// The sum of a flood, in words. Pure.

import { SET_ASIDE } from "../../model/alarms.ts";
import { formatNumber } from "../../model/numbers.ts";
import type { AlarmState, Counts } from "../../rest/types/alarms.ts";

/** "950 of 1,000 are below, 50 set aside on their own tabs": to handle, of all that are not normal. */
export function sumInWords({ toHandle, byState }: Pick<Counts, "toHandle" | "byState">): string {
  const aside = Object.entries(byState)
    .filter(([state]) => SET_ASIDE.has(state as AlarmState))
    .reduce((sum, [, number]) => sum + number, 0);
  const below = `${formatNumber(toHandle, 0)} of ${formatNumber(toHandle + aside, 0)} are below`;
  return aside === 0 ? below : `${below}, ${formatNumber(aside, 0)} set aside on their own tabs`;
}
