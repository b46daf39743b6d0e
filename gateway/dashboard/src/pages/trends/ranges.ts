// The span of time that is looked at: zoomed, moved, named. Pure; moments are epoch milliseconds.

import { DAY_MS, SECOND_MS, clockMinutes, clockText, localTime, dayText } from "../../model/times.ts";

export interface Span {
  fromMs: number;
  toMs: number;
}

export const SHORTEST_MS = 10 * SECOND_MS;
export const LONGEST_MS = 731 * DAY_MS;

/** Shorter (factor < 1) or longer around a moment that keeps its place; never beyond now. */
export function zoomed(span: Span, aroundMs: number, factor: number, nowMs: number): Span {
  const length = clamp((span.toMs - span.fromMs) * factor, SHORTEST_MS, LONGEST_MS);
  const share = (aroundMs - span.fromMs) / (span.toMs - span.fromMs);
  return untilNow({ fromMs: aroundMs - length * share, toMs: aroundMs + length * (1 - share) }, nowMs);
}

/** Moved by a share of its length; never beyond now. */
export function moved(span: Span, share: number, nowMs: number): Span {
  const by = (span.toMs - span.fromMs) * share;
  return untilNow({ fromMs: span.fromMs + by, toMs: span.toMs + by }, nowMs);
}

/** What was drawn with a drag, whichever way. */
export function between(aMs: number, bMs: number, nowMs: number): Span {
  const [fromMs, toMs] = aMs < bMs ? [aMs, bMs] : [bMs, aMs];
  const short = Math.max(0, SHORTEST_MS - (toMs - fromMs)) / 2;
  return untilNow({ fromMs: fromMs - short, toMs: toMs + short }, nowMs);
}

/** "06:32 – 14:32, 12 Mar", "11 Mar 22:00 – 12 Mar 06:00", "12 Mar 2025 – 12 Mar 2026" */
export function spanWords(span: Span, zone: string): string {
  const [from, to] = [localTime(span.fromMs, zone), localTime(span.toMs, zone)];
  const date = (ms: number) => dayText(ms, zone).slice(4);
  const clock = span.toMs - span.fromMs < 600 * SECOND_MS ? clockText : clockMinutes;
  const [a, b] = [clock(span.fromMs, zone), clock(span.toMs, zone)];
  if (from.year === to.year && from.month === to.month && from.day === to.day) {
    return `${a} – ${b}, ${date(span.fromMs)}`;
  }
  if (span.toMs - span.fromMs < 14 * DAY_MS) {
    return `${date(span.fromMs)} ${a} – ${date(span.toMs)} ${b}`;
  }
  const years = from.year === to.year ? ["", ""] : [` ${from.year}`, ` ${to.year}`];
  return `${date(span.fromMs)}${years[0]} – ${date(span.toMs)}${years[1]}`;
}

/** Under the time axis: clocks within a day, dates from a day on. incrMs: between two ticks. */
export function tickWords(atMs: number, incrMs: number, zone: string): string {
  const at = localTime(atMs, zone);
  const date = dayText(atMs, zone).slice(4);
  if (incrMs >= 27 * DAY_MS) return `${date.split(" ")[1]} ${at.year}`;
  if (incrMs >= DAY_MS) return date;
  if (incrMs < 60 * SECOND_MS) return clockText(atMs, zone);
  return at.hour === 0 && at.minute === 0 ? date : clockMinutes(atMs, zone);
}

function untilNow(span: Span, nowMs: number): Span {
  const over = Math.max(0, span.toMs - nowMs);
  return { fromMs: Math.round(span.fromMs - over), toMs: Math.round(span.toMs - over) };
}

function clamp(value: number, least: number, most: number): number {
  return Math.min(Math.max(value, least), most);
}
