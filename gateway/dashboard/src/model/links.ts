// A trend view as a link that reproduces it, and back. Times in links carry their offset.

import { HOUR_MS, RANGES, isZone, isoText } from "./times.ts";

export interface Pen {
  wellId: string;
  tagName: string;
}

/** liveMs: the last so many milliseconds, moving; else from and to stand still. */
export interface TrendView {
  pens: Pen[];
  fromMs: number;
  toMs: number;
  liveMs: number | null;
  zone: string;
  /** Yesterday's line beneath. */
  yesterday: boolean;
}

export const PENS_MAX = 8;
export const DEFAULT_RANGE_MS = 8 * HOUR_MS;
const SHORTEST_MS = 10_000;
const LONGEST_MS = 732 * 24 * HOUR_MS;

/** well/tag, as the gateway writes a pen. */
export function penText(pen: Pen): string {
  return `${pen.wellId}/${pen.tagName}`;
}

/** The tag is what comes after the last slash; null where there is none. */
export function penOf(text: string): Pen | null {
  const at = text.lastIndexOf("/");
  if (at <= 0 || at === text.length - 1) return null;
  return { wellId: text.slice(0, at), tagName: text.slice(at + 1) };
}

/** The link. Several pens stand after one another, each as pens=…. */
export function trendLink(view: Partial<TrendView> & { pens: readonly Pen[] }): string {
  const said = new URLSearchParams();
  for (const pen of view.pens) said.append("pens", penText(pen));
  const zone = view.zone ?? "";
  if (view.liveMs != null) said.set("live", keyOf(view.liveMs));
  else if (view.fromMs !== undefined && view.toMs !== undefined) {
    said.set("from", isoText(view.fromMs, zone || "UTC"));
    said.set("to", isoText(view.toMs, zone || "UTC"));
  }
  if (zone !== "") said.set("zone", zone);
  if (view.yesterday) said.set("yesterday", "1");
  const text = said.toString().replaceAll("%2F", "/").replaceAll("%3A", ":");
  return text === "" ? "/trends" : `/trends?${text}`;
}

/** Where a well, or a page of it, is. */
export function wellLink(wellId: string, view: "" | "tags" | "events" | "control" = ""): string {
  return `/wells/${encodeURIComponent(wellId)}${view === "" ? "" : `/${view}`}`;
}

/**
 * A link read again. What cannot be right falls back to the last 8 hours, live; a time without an
 * offset is refused, since it could be any of a day's hours.
 */
export function trendView(search: string, nowMs: number, screenZone: string): TrendView {
  const said = new URLSearchParams(search);
  const pens = new Map<string, Pen>();
  for (const pen of said.getAll("pens").flatMap(pensOf)) {
    if (pens.size < PENS_MAX) pens.set(penText(pen), pen);
  }
  const zone = said.get("zone") ?? "";
  const view: TrendView = {
    pens: [...pens.values()],
    fromMs: nowMs - DEFAULT_RANGE_MS,
    toMs: nowMs,
    liveMs: DEFAULT_RANGE_MS,
    zone: isZone(zone) ? zone : screenZone,
    yesterday: said.get("yesterday") === "1",
  };
  const fromMs = instant(said.get("from"));
  const toMs = instant(said.get("to"));
  const lengthMs = toMs - fromMs;
  if (lengthMs >= SHORTEST_MS && lengthMs <= LONGEST_MS) {
    return { ...view, fromMs, toMs, liveMs: null };
  }
  const liveMs = lengthOf(said.get("live"));
  return liveMs === null ? view : { ...view, fromMs: nowMs - liveMs, liveMs };
}

/** One pen, or several with commas between; a comma may also be part of a name. */
function pensOf(text: string): Pen[] {
  const parts = text.split(",").map(penOf);
  if (parts.every((one) => one !== null)) return parts;
  const whole = penOf(text);
  return whole === null ? [] : [whole];
}

/** An instant with its offset; NaN for anything else. */
function instant(text: string | null): number {
  if (text === null) return Number.NaN;
  const whole = text.replace(" ", "+"); // a + that somebody did not escape
  return /T\d\d:\d\d.*(Z|[+-]\d\d:\d\d)$/.test(whole) ? Date.parse(whole) : Number.NaN;
}

function keyOf(lengthMs: number): string {
  return RANGES.find((range) => range.ms === lengthMs)?.key ?? `${Math.round(lengthMs / 1000)}s`;
}

function lengthOf(text: string | null): number | null {
  const named = RANGES.find((range) => range.key === text);
  if (named !== undefined) return named.ms;
  const seconds = /^(\d{1,8})s$/.exec(text ?? "");
  if (seconds === null) return null;
  const ms = Number(seconds[1]) * 1000;
  return ms >= SHORTEST_MS && ms <= LONGEST_MS ? ms : null;
}
