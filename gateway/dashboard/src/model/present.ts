// What is shown of a reading: the one place where that is decided (screens, section 5).
// No component formats a value by itself, so none can forget the mark.

import type { Quality } from "../rest/types/readings.ts";
import type { TagFacts } from "../rest/types/wells.ts";
import { LIMIT_WORDS, type Limits, type Pointer, barOf, limitReached, pointerOf } from "./limits.ts";
import { digitsOf, formatNumber } from "./numbers.ts";
import { isSilence, reasonWords } from "./quality.ts";
import { ageText } from "./times.ts";

/** A reading may be so much ahead of this screen's clock before that is said. */
export const FUTURE_MS = 5_000;

/** A reading as it came, and how old it is. */
export interface Given {
  value: number | null;
  quality: Quality;
  reason: string | null;
  /** Now minus its source time [ms]; below 0: from the future. */
  ageMs: number;
  /** Since anything came of the tag [ms]: what tells of silence when a clock runs ahead. */
  unheardMs?: number;
  /** False: the journal could not take it, so it is not in the history. */
  stored?: boolean;
  /** The value before the present silence, where there is one to show. */
  lastKnown?: { value: number; ageMs: number } | null;
}

/** What of a tag decides how its value is shown. */
export interface TagView
  extends Pick<TagFacts, "unit" | "digits" | "dataType" | "stateNames" | "protocol" | "intervalS" | "staleAfterS">,
    Limits {}

/** What surrounds the reading. */
export interface Around {
  /** Its connection is Connected, and its worker is heard. */
  connected: boolean;
  /** This screen has lost the gateway. */
  offline?: boolean;
  /** Messages were lost and are being fetched: there may be a newer value. */
  catchingUp?: boolean;
}

export type Mark = "good" | "uncertain" | "bad" | "stale" | "none" | "unmapped";

export interface Presented {
  /** "285", "RUNNING", "–". */
  text: string;
  /** "psi"; "" where there is no number. */
  unit: string;
  mark: Mark;
  /** Beside the value wherever it stands; "" only where it is plainly good: "STALE 13 min". */
  label: string;
  /** Why: the reason as the wire has it; "" where there is none. */
  reason: string;
  /** It is not to be believed: struck through. */
  struck: boolean;
  /** Where it points on its bar; null: no pointer, since it would lie. */
  pointer: Pointer | null;
  /** How the bar is drawn. */
  bar: "good" | "uncertain" | "stale" | "bad";
  /** "1 s"; "" where there is no reading. */
  age: string;
  /** More that is to be said: "not stored", "catching up". */
  notes: string[];
  /** All of it for a screen reader and a title: "285 psi, good, 1 s old". */
  words: string;
}

/** Says what is shown. reading null: none yet; tag null: nothing is mapped here. */
export function present(reading: Given | null, tag: TagView | null, around: Around): Presented {
  if (tag === null) return empty("unmapped", "NOT MAPPED", "not mapped to a tag");
  if (reading === null) {
    const why = around.offline ? "no reading before the gateway was lost" : "no reading yet";
    return empty("none", "NO DATA", why);
  }
  const silent = isSilence(reading.quality, reading.reason, reading.value);
  const known = silent ? (reading.lastKnown ?? null) : null;
  const value = clean(known !== null ? known.value : reading.value);
  const ageMs = known !== null ? known.ageMs : reading.ageMs;
  const stale = silent || isStale(reading, tag, around);
  const bad = !silent && (reading.quality === "BAD" || value === null);
  const ahead = reading.ageMs < -FUTURE_MS;
  const uncertain = reading.quality === "UNCERTAIN" || ahead || Number.isNaN(reading.ageMs);

  const mark: Mark = bad ? "bad" : stale ? "stale" : uncertain ? "uncertain" : "good";
  const text = value === null ? "–" : valueText(value, tag);
  const unit = value === null || wordOf(value, tag) !== null ? "" : tag.unit;
  const age = ageText(ageMs);
  const notes: string[] = [];
  if (reading.stored === false || reading.reason === "not_stored") notes.push("not stored");
  if (around.catchingUp) notes.push("catching up");
  const reason = reading.reason ?? (ahead ? "clock" : value === null ? "no value" : "");
  return {
    text,
    unit,
    mark,
    label: labelOf(mark, stale, uncertain, age),
    reason: mark === "good" ? "" : reason,
    struck: bad && value !== null,
    pointer: bad ? null : pointerOf(value, barOf(tag)),
    bar: mark === "good" || mark === "uncertain" || mark === "stale" ? mark : "bad",
    age,
    notes,
    words: sentence({ reading, tag, around, value, text, unit, mark, stale, silent, ahead, age, notes }),
  };
}

/** A value with its unit alone, where the mark stands elsewhere: limits, set points, exports. */
export function valueText(value: number, tag: TagView): string {
  return wordOf(value, tag) ?? formatNumber(value, digitsOf(tag));
}

/** After how long without a reading a tag is stale [ms]; Infinity: its protocol tells by itself. */
export function staleAfterMs(tag: Pick<TagView, "staleAfterS">): number {
  return tag.staleAfterS === null ? Infinity : tag.staleAfterS * 1000;
}

function isStale(reading: Given, tag: TagView, around: Around): boolean {
  if (!around.connected || around.offline) return true;
  return Math.max(reading.ageMs, reading.unheardMs ?? 0) > staleAfterMs(tag);
}

function wordOf(value: number, tag: TagView): string | null {
  return tag.stateNames[String(value)] ?? null;
}

function clean(value: number | null): number | null {
  return value === null || !Number.isFinite(value) ? null : value;
}

function labelOf(mark: Mark, stale: boolean, uncertain: boolean, age: string): string {
  switch (mark) {
    case "bad":
      return stale ? `BAD, STALE ${age}` : "BAD";
    case "stale":
      return uncertain ? `STALE ${age}, UNCERTAIN` : `STALE ${age}`;
    case "uncertain":
      return "UNCERTAIN";
    default:
      return "";
  }
}

function empty(mark: "none" | "unmapped", label: string, words: string): Presented {
  return {
    text: "–",
    unit: "",
    mark,
    label,
    reason: "",
    struck: false,
    pointer: null,
    bar: "bad",
    age: "",
    notes: [],
    words,
  };
}

interface Told {
  reading: Given;
  tag: TagView;
  around: Around;
  value: number | null;
  text: string;
  unit: string;
  mark: Mark;
  stale: boolean;
  silent: boolean;
  ahead: boolean;
  age: string;
  notes: string[];
}

function sentence(told: Told): string {
  const { reading, tag, around, value, mark, age } = told;
  const parts: string[] = [];
  if (value === null) parts.push("no value");
  else parts.push(told.unit === "" ? told.text : `${told.text} ${told.unit}`);
  if (mark === "good") parts.push("good");
  if (mark === "bad") parts.push("BAD, not to be believed");
  if (told.stale) parts.push("STALE, the last known value and not the present one");
  if (reading.quality === "UNCERTAIN") parts.push("UNCERTAIN");
  const why = told.ahead && reading.reason === null ? aheadWords(reading.ageMs) : reasonWords(reading.reason);
  if (why !== "") parts.push(why);
  if (told.stale && around.offline) parts.push("this screen has lost the gateway");
  else if (told.stale && !around.connected) parts.push("its connection is down");
  const reached = mark === "bad" ? null : limitReached(value, tag.limits);
  if (reached !== null) {
    const side = reached.condition === "hi" || reached.condition === "hihi" ? "at or above" : "at or below";
    parts.push(`${side} ${LIMIT_WORDS[reached.condition]} ${valueText(reached.limit, tag)}`);
  }
  if (!told.ahead) parts.push(`${age} old`);
  parts.push(...told.notes);
  return parts.join(", ");
}

function aheadWords(ageMs: number): string {
  return `its time is ${ageText(-ageMs)} ahead of the gateway's clock`;
}
