// The span of a lane's values: its readings, and those limits that do not squeeze them. Pure.

import type { Curve } from "./curves.ts";
import type { KnownPen } from "./pens.ts";

const PAD = 0.08;
/** Readings keep at least this share of the lane's height. */
const READINGS_LEAST = 0.22;

export interface Values {
  low: number;
  high: number;
}

/** curves: those of the lane's pens, yesterday's too; null where there is nothing to draw. */
export function valuesOf(
  pens: readonly Pick<KnownPen, "tag">[],
  curves: readonly (Pick<Curve, "summary"> | null)[],
): Values | null {
  let [low, high] = [Infinity, -Infinity];
  for (const curve of curves) {
    if (curve === null || curve.summary.min === null || curve.summary.max === null) continue;
    low = Math.min(low, curve.summary.min);
    high = Math.max(high, curve.summary.max);
  }
  if (low > high) return withoutReadings(pens);
  const readings = Math.max(high - low, leastSpan(pens, low, high));
  const limits = pens
    .flatMap(({ tag }) => tag?.limits ?? [])
    .map((one) => one.limit)
    .sort((a, b) => distance(a, low, high) - distance(b, low, high));
  for (const limit of limits) {
    const [wideLow, wideHigh] = [Math.min(low, limit), Math.max(high, limit)];
    if (readings / (wideHigh - wideLow || 1) < READINGS_LEAST) break;
    [low, high] = [wideLow, wideHigh];
  }
  const short = Math.max(0, readings - (high - low)) / 2;
  [low, high] = [low - short, high + short];
  const pad = (high - low) * PAD;
  return { low: low - pad, high: high + pad };
}

/** A steady value is not blown up to the noise of its last digit. */
function leastSpan(pens: readonly Pick<KnownPen, "tag">[], low: number, high: number): number {
  const spans = pens.flatMap(({ tag }) =>
    tag !== null && tag.low !== null && tag.high !== null ? [(tag.high - tag.low) * 0.02] : [],
  );
  const around = Math.max(Math.abs(low), Math.abs(high)) * 0.01;
  return Math.max(...spans, spans.length === 0 ? around : 0) || 1;
}

function withoutReadings(pens: readonly Pick<KnownPen, "tag">[]): Values | null {
  for (const { tag } of pens) {
    if (tag === null) continue;
    const known = [tag.low, tag.high, tag.normalLow, tag.normalHigh].filter((one) => one !== null);
    const [low, high] = [Math.min(...known), Math.max(...known)];
    if (known.length > 1 && high > low) return { low, high };
  }
  return null;
}

function distance(value: number, low: number, high: number): number {
  return value < low ? low - value : Math.max(0, value - high);
}
