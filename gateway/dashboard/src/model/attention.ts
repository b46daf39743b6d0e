// What needs somebody now: the order of the overview, and why each well stands where it stands.

import type { Alarm, Priority } from "../rest/types/alarms.ts";
import type { ConnectionStatus } from "../rest/types/connections.ts";
import type { Quality } from "../rest/types/readings.ts";
import type { TagFacts } from "../rest/types/wells.ts";
import { CONDITION_WORDS, TO_ACKNOWLEDGE, TO_HANDLE, byUrgency, compareText, sinceMs } from "./alarms.ts";
import { digitsOf, formatNumber } from "./numbers.ts";
import { msOrNull } from "./times.ts";

export type Kind =
  | "unacknowledged"
  | "no-data"
  | "down"
  | "acknowledged"
  | "quality"
  | "advisory"
  | "normal";

/** Most urgent first. Advisory: acknowledged, of priority 4. */
export const KINDS: readonly Kind[] = [
  "unacknowledged",
  "no-data",
  "down",
  "acknowledged",
  "quality",
  "advisory",
  "normal",
];

export interface WorstTag {
  tagName: string;
  quality: Quality;
  reason: string | null;
  timestamp: string;
}

/** What is known of a well when it is judged. */
export interface WellNow {
  wellId: string;
  keys: readonly TagFacts[];
  /** Of the well itself, as the feed has them. */
  alarms: readonly Alarm[];
  connections: readonly Pick<
    ConnectionStatus,
    "connectionId" | "state" | "stale" | "message" | "lastHeartbeat"
  >[];
  worst: WorstTag | null;
  /** It stands, and that is known: since when, and the words for it. */
  stopped?: { sinceMs: number | null; words: string } | null;
}

export interface Attention {
  kind: Kind;
  /** Of the alarm that put it here; null where none did. */
  priority: Priority | null;
  /** The tag that put it here: its trend is the row's sparkline. Null: the first key tag. */
  tagName: string | null;
  alarm: Alarm | null;
  sinceMs: number | null;
  /** "Casing pressure Hi 618 psi" */
  headline: string;
  /** "limit 600 · unacknowledged"; the age is the screen's to add, since it grows. */
  detail: string;
  /** The connection that is down, to fold its wells into one row. */
  connectionId: string | null;
}

/** Why a well is where it is. */
export function attentionOf(well: WellNow): Attention {
  const handled = well.alarms
    .filter((one) => TO_HANDLE.has(one.state) && one.condition !== "comm_failure")
    .sort(byUrgency);
  const first = handled[0];
  if (first !== undefined && TO_ACKNOWLEDGE.has(first.state)) {
    return ofAlarm("unacknowledged", first, well);
  }
  const away = well.connections.filter((one) => !isConnected(one));
  if (away.length > 0 && away.length === well.connections.length) return ofSilence(well, away);
  if (well.stopped) {
    return {
      ...nothing("down"),
      sinceMs: well.stopped.sinceMs,
      headline: "Down",
      detail: well.stopped.words,
    };
  }
  if (first !== undefined && first.priority < 4) return ofAlarm("acknowledged", first, well);
  if (well.worst !== null) return ofQuality(well, well.worst);
  if (away.length > 0) {
    const detail = `${away.length} of its ${well.connections.length} connections`;
    return { ...ofSilence(well, away), kind: "quality", headline: "Partly STALE", detail };
  }
  if (first !== undefined) return ofAlarm("advisory", first, well);
  return { ...nothing("normal"), headline: "Normal" };
}

/** Most urgent first; equal ones by the newest alarm, wells by name. */
export function compareAttention(
  a: { wellId: string; attention: Attention },
  b: { wellId: string; attention: Attention },
): number {
  const [one, other] = [a.attention, b.attention];
  return (
    KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind) ||
    (one.priority ?? 5) - (other.priority ?? 5) ||
    (one.alarm !== null && other.alarm !== null ? byUrgency(one.alarm, other.alarm) : 0) ||
    compareText(a.wellId, b.wellId)
  );
}

/** Whether readings of this connection are the present ones. */
export function isConnected(status: { state: string; stale: boolean }): boolean {
  return status.state === "connected" && !status.stale;
}

/** The name of a tag on screens. */
export function titleOf(tag: { tagName: string; title?: string }): string {
  if (tag.title) return tag.title;
  const words = tag.tagName.replaceAll("_", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** An order that is held while somebody points at it, and how many rows would move. */
export interface Held {
  order: string[];
  moved: number;
}

/** While holding, the shown order stays; what is new comes last, what is gone goes. */
export function holdOrder(shown: readonly string[], wanted: readonly string[], holding: boolean): Held {
  if (!holding) return { order: [...wanted], moved: 0 };
  const there = new Set(wanted);
  const known = new Set(shown);
  const order = shown.filter((one) => there.has(one));
  order.push(...wanted.filter((one) => !known.has(one)));
  return { order, moved: movedBetween(order, wanted) };
}

/** The least number of rows that have to be taken out and put elsewhere to get from a to b. */
export function movedBetween(a: readonly string[], b: readonly string[]): number {
  const place = new Map(b.map((one, at) => [one, at]));
  // the longest run that keeps its order: patience sorting
  const tails: number[] = [];
  let known = 0;
  for (const one of a) {
    const at = place.get(one);
    if (at === undefined) continue;
    known += 1;
    let low = 0;
    let high = tails.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((tails[middle] as number) < at) low = middle + 1;
      else high = middle;
    }
    tails[low] = at;
  }
  return known - tails.length;
}

export interface Row {
  wellId: string;
  attention: Attention;
}

/** A row, or several wells behind one dead device in one. */
export interface Folded extends Row {
  wells: string[];
}

/** Folds wells without data that stand behind the same connection; the first one's row stays. */
export function foldSilent(rows: readonly Row[]): Folded[] {
  const found = new Map<string, Folded>();
  const folded: Folded[] = [];
  for (const row of rows) {
    const { kind, connectionId } = row.attention;
    const known = kind === "no-data" && connectionId !== null ? found.get(connectionId) : undefined;
    if (known !== undefined) {
      known.wells.push(row.wellId);
      continue;
    }
    const made = { ...row, wells: [row.wellId] };
    if (kind === "no-data" && connectionId !== null) found.set(connectionId, made);
    folded.push(made);
  }
  return folded;
}

function ofAlarm(kind: Kind, alarm: Alarm, well: WellNow): Attention {
  const tag = well.keys.find((one) => one.tagName === alarm.tagName);
  const number = (value: number) => formatNumber(value, digitsFor(tag, value));
  const parts = [titleOf(tag ?? { tagName: alarm.tagName })];
  if (alarm.condition === "state") parts[0] = alarm.message || (parts[0] as string);
  else parts.push(CONDITION_WORDS[alarm.condition]);
  if (alarm.value !== null && alarm.condition !== "state") {
    parts.push(number(alarm.value));
    if (alarm.unit !== "") parts.push(alarm.unit);
  }
  const detail: string[] = [];
  if (alarm.limit !== null && alarm.condition !== "state") detail.push(`limit ${number(alarm.limit)}`);
  detail.push(alarmWord(alarm));
  if (alarm.comment !== "" && !TO_ACKNOWLEDGE.has(alarm.state)) detail.push(alarm.comment);
  return {
    kind,
    priority: alarm.priority,
    tagName: alarm.tagName || null,
    alarm,
    sinceMs: sinceMs(alarm),
    headline: parts.join(" "),
    detail: detail.join(" · "),
    connectionId: null,
  };
}

function alarmWord(alarm: Alarm): string {
  if (!alarm.confirmed) return "not stored yet";
  switch (alarm.state) {
    case "returned_unacknowledged":
      return "returned, unacknowledged";
    case "latched_unacknowledged":
      return "latched, unacknowledged";
    case "latched_acknowledged":
      return "latched, acknowledged";
    default:
      return alarm.state.replaceAll("_", " ");
  }
}

function ofSilence(
  well: WellNow,
  away: readonly { connectionId: string | null; state: string; stale: boolean; message: string | null; lastHeartbeat: string | null }[],
): Attention {
  const first = away[0];
  const isSuspended = away.every((one) => one.state === "suspended" && !one.stale);
  return {
    ...nothing(isSuspended ? "down" : "no-data"),
    sinceMs: msOrNull(well.worst?.timestamp ?? first?.lastHeartbeat),
    headline: isSuspended ? "Suspended" : "STALE",
    detail: isSuspended ? "by its manifest" : first?.message || "no data",
    connectionId: first?.connectionId ?? null,
  };
}

function ofQuality(well: WellNow, worst: WorstTag): Attention {
  const tag = well.keys.find((one) => one.tagName === worst.tagName);
  const isStale = worst.quality === "BAD" && (worst.reason === "stale" || worst.reason === "comm_failure");
  return {
    ...nothing("quality"),
    tagName: worst.tagName,
    sinceMs: msOrNull(worst.timestamp),
    headline: `${titleOf(tag ?? { tagName: worst.tagName })} ${isStale ? "STALE" : worst.quality}`,
    detail: worst.reason ?? "",
  };
}

function nothing(kind: Kind): Attention {
  return {
    kind,
    priority: null,
    tagName: null,
    alarm: null,
    sinceMs: null,
    headline: "",
    detail: "",
    connectionId: null,
  };
}

/** Of a tag that is no key tag, only the number itself can say how many decimals it has. */
function digitsFor(tag: TagFacts | undefined, value: number): number {
  if (tag !== undefined) return digitsOf(tag);
  if (Number.isInteger(value) || Math.abs(value) >= 1000) return 0;
  return Math.abs(value) >= 10 ? 1 : 2;
}
