// Where a value stands in its context: range, normal band, limits, pointer.

import type { LimitCondition, Priority } from "../rest/types/alarms.ts";
import type { TagLimit } from "../rest/types/wells.ts";

export interface Limits {
  low: number | null;
  high: number | null;
  normalLow: number | null;
  normalHigh: number | null;
  limits: readonly TagLimit[];
}

export interface LimitTick {
  condition: LimitCondition;
  limit: number;
  priority: Priority;
  /** 0 to 1 of the bar. */
  at: number;
  /** HiHi and LoLo: drawn stronger. */
  hard: boolean;
}

/** An analog bar, in shares of its length from 0 (left, bottom) to 1. */
export interface Bar {
  low: number;
  high: number;
  /** The shaded normal band; null where none was declared. */
  band: { from: number; to: number } | null;
  ticks: LimitTick[];
}

const MARGIN = 0.2;
export const LIMIT_WORDS: Record<LimitCondition, string> = {
  hihi: "HiHi",
  hi: "Hi",
  lo: "Lo",
  lolo: "LoLo",
};
const ORDER: readonly LimitCondition[] = ["lolo", "lo", "hi", "hihi"];

/**
 * The bar of a tag; null where nothing is known to draw one. Range and limits are the tag's own;
 * without a range it spans its limits and normal band, and a fifth more on either side.
 */
export function barOf(tag: Limits): Bar | null {
  const span = spanOf(tag);
  if (span === null) return null;
  const [low, high] = span;
  const at = (value: number) => clamp((value - low) / (high - low));
  const { normalLow, normalHigh } = tag;
  const band =
    normalLow === null && normalHigh === null
      ? null
      : { from: at(normalLow ?? low), to: at(normalHigh ?? high) };
  const ticks = sortedLimits(tag.limits).map((one) => ({
    condition: one.condition,
    limit: one.limit,
    priority: one.priority,
    at: at(one.limit),
    hard: one.condition === "hihi" || one.condition === "lolo",
  }));
  return { low, high, band, ticks };
}

export interface Pointer {
  /** 0 to 1, at the end of the bar where the value is beyond it. */
  at: number;
  beyond: "below" | "above" | null;
}

/** Where a value points on the bar; null without a bar or value. */
export function pointerOf(value: number | null, bar: Bar | null): Pointer | null {
  if (value === null || bar === null || !Number.isFinite(value)) return null;
  const beyond = value < bar.low ? "below" : value > bar.high ? "above" : null;
  return { at: clamp((value - bar.low) / (bar.high - bar.low)), beyond };
}

/** The limit that a value is at or beyond: the outermost. Null where it is between them. */
export function limitReached(value: number | null, limits: readonly TagLimit[]): TagLimit | null {
  if (value === null) return null;
  for (const condition of ["hihi", "lolo", "hi", "lo"] as const) {
    const found = limits.find((one) => one.condition === condition);
    if (found !== undefined && isReached(value, found)) return found;
  }
  return null;
}

/** The most urgent priority of the limits that a value is beyond; null: none. */
export function priorityOf(value: number | null, limits: readonly TagLimit[]): Priority | null {
  if (value === null) return null;
  let found: Priority | null = null;
  for (const one of limits) {
    if (isReached(value, one) && (found === null || one.priority < found)) found = one.priority;
  }
  return found;
}

/** LoLo, Lo, Hi, HiHi. */
export function sortedLimits(limits: readonly TagLimit[]): TagLimit[] {
  return [...limits].sort((a, b) => ORDER.indexOf(a.condition) - ORDER.indexOf(b.condition));
}

/** Whether a value is within the normal band; null where none was declared. */
export function isNormal(value: number, tag: Limits): boolean | null {
  if (tag.normalLow === null && tag.normalHigh === null) return null;
  return value >= (tag.normalLow ?? -Infinity) && value <= (tag.normalHigh ?? Infinity);
}

function isReached(value: number, one: TagLimit): boolean {
  return one.condition === "hihi" || one.condition === "hi"
    ? value >= one.limit
    : value <= one.limit;
}

function spanOf(tag: Limits): [number, number] | null {
  if (tag.low !== null && tag.high !== null && tag.high > tag.low) return [tag.low, tag.high];
  const known = [tag.low, tag.high, tag.normalLow, tag.normalHigh].filter((one) => one !== null);
  known.push(...tag.limits.map((one) => one.limit));
  const [least, most] = [Math.min(...known), Math.max(...known)];
  if (known.length < 2 || !(most > least)) return null;
  const margin = (most - least) * MARGIN;
  return [tag.low ?? least - margin, tag.high ?? most + margin];
}

function clamp(share: number): number {
  return Math.min(Math.max(share, 0), 1);
}
