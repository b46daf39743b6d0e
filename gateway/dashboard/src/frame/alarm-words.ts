// One alarm in one line, as the banner says it. Pure.

import { CONDITION_WORDS } from "../model/alarms.ts";
import { titleOf } from "../model/attention.ts";
import { digitsOf, formatNumber } from "../model/numbers.ts";
import type { Alarm } from "../rest/types/alarms.ts";
import type { TagFacts } from "../rest/types/wells.ts";

export interface AlarmWords {
  /** The well, or the connection where it is of none. */
  where: string;
  /** "Polished rod load HiHi" */
  what: string;
  /** "31,420"; "" where there is none. */
  value: string;
  /** "> 31,000 lbf" */
  against: string;
}

/** well: how screens call it, and its key tags, where they are known. */
export function alarmWords(
  alarm: Alarm,
  well: { title: string; keys: readonly TagFacts[] } | null,
): AlarmWords {
  const tag = well?.keys.find((one) => one.tagName === alarm.tagName);
  const where = alarm.wellId === "" ? alarm.connectionId : well?.title || alarm.wellId;
  if (alarm.condition === "comm_failure")
    return { where, what: CONDITION_WORDS.comm_failure, value: "", against: "" };
  const title = titleOf(tag ?? { tagName: alarm.tagName });
  if (alarm.condition === "state")
    return { where, what: alarm.message || `${title} State`, value: "", against: "" };
  const what = `${title} ${CONDITION_WORDS[alarm.condition]}`;
  if (alarm.value === null) return { where, what, value: "", against: "" };
  const digits = tag === undefined ? guessed(alarm.value, alarm.limit) : digitsOf(tag);
  const unit = alarm.unit === "" ? "" : ` ${alarm.unit}`;
  const sign = SIGNS[alarm.condition];
  if (alarm.active === false && alarm.limit !== null && sign !== undefined) {
    // a value that has returned is on the other side of its limit
    const limit = `(limit ${formatNumber(alarm.limit, digits)})`;
    return { where, what, value: `${formatNumber(alarm.value, digits)}${unit}`, against: limit };
  }
  const against =
    alarm.limit === null || sign === undefined
      ? unit.trim()
      : `${sign} ${formatNumber(alarm.limit, digits)}${unit}`;
  return { where, what, value: formatNumber(alarm.value, digits), against };
}

/** For a screen reader. */
export function spoken(words: AlarmWords): string {
  const against = words.against.replace(">", "above").replace("<", "below");
  return [words.where, words.what, words.value, against].filter((one) => one !== "").join(" ");
}

function guessed(value: number, limit: number | null): number {
  if (Math.abs(value) >= 100) return 0;
  return limit !== null && Number.isInteger(limit) && Math.abs(limit) >= 10 ? 1 : 2;
}

const SIGNS: Partial<Record<Alarm["condition"], string>> = {
  hihi: ">",
  hi: ">",
  lo: "<",
  lolo: "<",
};
