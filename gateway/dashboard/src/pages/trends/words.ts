// What the plot says about itself. Pure.

import { LIMIT_WORDS } from "../../model/limits.ts";
import { formatNumber } from "../../model/numbers.ts";
import { valueText } from "../../model/present.ts";
import { ageText, fullText } from "../../model/times.ts";
import type { Blank } from "../../model/merge.ts";
import type { PointsAnswer } from "../../rest/types/readings.ts";
import type { TagFacts, TagLimit } from "../../rest/types/wells.ts";

const BUCKETS: Record<string, string> = {
  "1min": "1-min buckets",
  "5min": "5-min buckets",
  "1hour": "1-h buckets",
  "1day": "1-day buckets",
};

const HOLES: Record<string, string> = {
  no_readings: "No data",
  not_stored: "Not stored",
  gap: "Readings lost",
  damaged_batch: "Damaged at the worker",
  restored: "Lost with the database, which was restored",
  suspended: "Suspended",
  journal_lost: "Journal lost",
};

/** Where the drawn readings are from: "1-min buckets and live · every extreme kept". */
export function sourceWords(answers: readonly (PointsAnswer | null)[], hasLive: boolean): string {
  const sources = new Set<string>();
  for (const answer of answers) {
    if (answer === null) continue;
    sources.add(BUCKETS[answer.interval] ?? (answer.interval === "raw" ? "Raw" : answer.interval));
  }
  if (sources.size === 0) return "";
  const all = [...sources, ...(hasLive ? ["live"] : [])];
  const text = all.length === 1 ? all[0] : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
  return `${text} · every extreme kept`;
}

/** "No data 21 min" */
export function blankWords(blank: Blank): string {
  const what = HOLES[blank.reason] ?? blank.reason.replaceAll("_", " ");
  return `${what} ${ageText(blank.toMs - blank.fromMs)}`;
}

/** "HiHi 31,000" */
export function limitWords(limit: TagLimit, tag: TagFacts): string {
  return `${LIMIT_WORDS[limit.condition]} ${valueText(limit.limit, tag)}`;
}

/** Beside a tick: "28k" where thousands are enough. step: between two ticks. */
export function axisNumber(value: number, step: number): string {
  if (Math.abs(value) >= 10_000 && step >= 1000) {
    return `${formatNumber(value / 1000, decimalsOf(step / 1000))}k`;
  }
  return formatNumber(value, decimalsOf(step));
}

/** So many that no tick is rounded: 2.5 needs one. */
function decimalsOf(step: number): number {
  for (let digits = 0; digits < 6; digits++) {
    const whole = step * 10 ** digits;
    if (Math.abs(whole - Math.round(whole)) < 1e-6 * whole) return digits;
  }
  return 6;
}

/** "none in this range, last 11 Mar 2026 09:12:00 −05:00" */
export function noneWords(lastMs: number | null | undefined, zone: string): string {
  if (lastMs === undefined) return "none in this range";
  if (lastMs === null) return "none in this range, nor in the two years before it";
  return `none in this range, last ${fullText(lastMs, zone)}`;
}
