// Which tags of a well stand where. Pure.

import type { Alarm } from "../../rest/types/alarms.ts";
import type { TagFacts, WellAnswer } from "../../rest/types/wells.ts";

export const KEY_VALUES_MAX = 9;
export const SMALL_TRENDS = 4;

/** A number, and no word or bit. */
export function isAnalog(tag: TagFacts): boolean {
  return Object.keys(tag.stateNames).length === 0 && tag.dataType !== "bool";
}

/** Key tags first, then what has limits, then what has a normal band or a range. Alarmed ones are always there. */
export function keyValues(well: Pick<WellAnswer, "keyTags" | "tags">, alarms: readonly Alarm[]): TagFacts[] {
  const weightOf = (tag: TagFacts) =>
    (well.keyTags.includes(tag.tagName) ? 1000 - 100 * well.keyTags.indexOf(tag.tagName) : 0) +
    Math.min(tag.limits.length, 4) * 10 +
    (tag.normalLow !== null || tag.normalHigh !== null ? 5 : 0) +
    (tag.low !== null && tag.high !== null ? 1 : 0);
  const listed = well.tags
    .filter(isAnalog)
    .map((tag, at) => ({ tag, at, weight: weightOf(tag) }))
    .sort((a, b) => b.weight - a.weight || a.at - b.at)
    .map((one) => one.tag);
  const chosen = listed.slice(0, KEY_VALUES_MAX);
  const alarmed = new Set(alarms.map((one) => one.tagName));
  return [...chosen, ...listed.slice(KEY_VALUES_MAX).filter((tag) => alarmed.has(tag.tagName))];
}

/** The tags of the small trends: that of the most urgent alarm first. */
export function smallTrends(well: Pick<WellAnswer, "keyTags" | "tags">, urgent: Alarm | null): TagFacts[] {
  const listed = keyValues(well, []);
  const first = urgent === null ? undefined : well.tags.find((tag) => tag.tagName === urgent.tagName && isAnalog(tag));
  const others = listed.filter((tag) => tag !== first);
  return (first === undefined ? others : [first, ...others]).slice(0, SMALL_TRENDS);
}

/** What tells whether the well runs; null where nothing does. */
export function runTag(well: Pick<WellAnswer, "roles" | "tags">): TagFacts | null {
  const name = well.roles["run_status"] ?? "run_status";
  return well.tags.find((tag) => tag.tagName === name) ?? null;
}
