// What the table says of a pen: as every value is shown, by present(). Pure.

import { type Presented, present, valueText } from "../../model/present.ts";
import { percent, formatNumber } from "../../model/numbers.ts";
import { qualityOf } from "../../model/quality.ts";
import { fullText } from "../../model/times.ts";
import { columnAt } from "./curves.ts";
import type { Frame } from "./frame-of.ts";
import { type KnownPen, hasStates } from "./pens.ts";

/** What is shown at a moment; words says it for a screen reader. */
export interface ValueAt {
  shown: Presented | null;
  /** All of its readings there: "3 readings, 284 to 286". */
  about: string;
  words: string;
}

/** The value at a moment; null: the pen has no answer. */
export function valueAt(frame: Frame, pen: KnownPen, atMs: number): ValueAt | null {
  const curve = frame.curves.get(pen.key);
  if (curve === undefined || pen.tag === null) return null;
  const column = columnAt(curve, atMs, pen.tag);
  if (column === null) return { shown: null, about: "no reading", words: "no reading" };
  const { last, min, max, n, worst, lastMs } = column;
  // history has no age; whether it was GOOD is what the column tells
  const given = { value: last, quality: qualityOf(worst), reason: null, ageMs: 0 };
  const shown = present(given, { ...pen.tag, staleAfterS: null }, { connected: true });
  const text = (value: number) => (pen.tag === null ? "" : valueText(value, pen.tag));
  const spread = min === null || max === null || n < 2 ? "" : `, ${text(min)} to ${text(max)}`;
  const about = `${formatNumber(n, 0)} ${n === 1 ? "reading" : "readings"}${spread}, the last at ${fullText(lastMs, frame.zone)}`;
  const unit = shown.unit === "" ? "" : ` ${shown.unit}`;
  return { shown, about, words: `${shown.text}${unit}${shown.label === "" ? "" : `, ${shown.label}`}` };
}

export interface SummaryWords {
  min: string;
  mean: string;
  max: string;
  share: string;
  about: string;
}

/** What the range holds of a pen; "–" where it holds nothing. */
export function summaryWords(frame: Frame, pen: KnownPen): SummaryWords | null {
  const curve = frame.curves.get(pen.key);
  if (curve === undefined || pen.tag === null) return null;
  const { tag } = pen;
  const { min, max, mean, n, good, goodMs, wholeMs } = curve.summary;
  const text = (value: number | null) => (value === null ? "–" : valueText(value, tag));
  return {
    min: text(min),
    mean: hasStates(tag) ? "–" : text(mean),
    max: text(max),
    share: n === 0 ? "none" : `${percent(Math.round(goodMs), Math.round(wholeMs))} GOOD`,
    about: `GOOD readings cover ${percent(Math.round(goodMs), Math.round(wholeMs))} of the range; ${formatNumber(good, 0)} of ${formatNumber(n, 0)} readings are GOOD`,
  };
}
