// Alarms in the words and the order in which operators handle them (docs/alarms.md).

import type {
  Alarm,
  AlarmCondition,
  AlarmEvent,
  AlarmGroup,
  AlarmState,
  Counts,
  Priority,
} from "../rest/types/alarms.ts";
import { msOf } from "./times.ts";

export const TO_ACKNOWLEDGE: ReadonlySet<AlarmState> = new Set<AlarmState>([
  "unacknowledged",
  "returned_unacknowledged",
  "latched_unacknowledged",
]);
export const TO_HANDLE: ReadonlySet<AlarmState> = new Set<AlarmState>([
  ...TO_ACKNOWLEDGE,
  "acknowledged",
  "latched_acknowledged",
]);
export const SET_ASIDE: ReadonlySet<AlarmState> = new Set<AlarmState>([
  "shelved",
  "suppressed",
  "out_of_service",
]);
export const PRIORITIES: readonly Priority[] = [1, 2, 3, 4];
export const PRIORITY_WORDS: Record<Priority, string> = {
  1: "Critical",
  2: "High",
  3: "Medium",
  4: "Low",
};
export const CONDITION_WORDS: Record<AlarmCondition, string> = {
  hihi: "HiHi",
  hi: "Hi",
  lo: "Lo",
  lolo: "LoLo",
  rate: "Rate of change",
  deviation: "Deviation",
  state: "State",
  bad_quality: "Bad quality",
  stale: "Stale",
  comm_failure: "Connection lost",
};
export const STATE_WORDS: Record<AlarmState, string> = {
  normal: "Normal",
  unacknowledged: "Unacknowledged",
  acknowledged: "Acknowledged",
  returned_unacknowledged: "Returned, unacknowledged",
  latched_unacknowledged: "Latched, unacknowledged",
  latched_acknowledged: "Latched, acknowledged",
  shelved: "Shelved",
  suppressed: "Suppressed by design",
  out_of_service: "Out of service",
};

const CHATTERING_TIMES = 3;
const CHATTERING_MS = 60_000;
const STANDING_MS = 86_400_000;

/** How an AlarmShape is drawn: ring and blink, hollow, or plain. */
export function shapeOf(alarm: Alarm): { priority: Priority; unacknowledged: boolean; returned: boolean } {
  return {
    priority: alarm.priority,
    unacknowledged: TO_ACKNOWLEDGE.has(alarm.state),
    returned:
      alarm.state === "returned_unacknowledged" || alarm.state.startsWith("latched_"),
  };
}

/** "42 s ago" counts from here: when it was raised, else when it came into its state. */
export function sinceMs(alarm: Alarm): number | null {
  const text = alarm.activeSince ?? alarm.since;
  return text === null ? null : msOf(text);
}

/** What is to be acknowledged first, then by priority, then the newest: as the gateway lists. */
export function byUrgency(a: Alarm, b: Alarm): number {
  return (
    Number(TO_ACKNOWLEDGE.has(b.state)) - Number(TO_ACKNOWLEDGE.has(a.state)) ||
    a.priority - b.priority ||
    (sinceMs(b) ?? 0) - (sinceMs(a) ?? 0) ||
    (a.alarmId < b.alarmId ? -1 : 1)
  );
}

export type AlarmSort = "urgency" | "since" | "priority" | "well";

/** Sorted copies; what is equal stays by urgency. */
export function sortAlarms(alarms: Iterable<Alarm>, by: AlarmSort = "urgency"): Alarm[] {
  const listed = [...alarms].sort(byUrgency);
  switch (by) {
    case "since":
      return listed.sort((a, b) => (sinceMs(b) ?? 0) - (sinceMs(a) ?? 0));
    case "priority":
      return listed.sort((a, b) => a.priority - b.priority);
    case "well":
      return listed.sort((a, b) => compareText(a.wellId || a.connectionId, b.wellId || b.connectionId));
    default:
      return listed;
  }
}

/** The most urgent one that nobody has acknowledged; null: none. */
export function mostUrgent(alarms: Iterable<Alarm>): Alarm | null {
  let found: Alarm | null = null;
  for (const alarm of alarms) {
    if (!TO_ACKNOWLEDGE.has(alarm.state)) continue;
    if (found === null || byUrgency(alarm, found) < 0) found = alarm;
  }
  return found;
}

/** The sums of a list, for when the gateway's are not there. */
export function countAlarms(alarms: Iterable<Alarm>): Omit<Counts, "raisedIn10Min" | "flood"> {
  const counts = {
    toHandle: 0,
    unacknowledged: 0,
    byPriority: { 1: 0, 2: 0, 3: 0, 4: 0 } as Record<string, number>,
    unacknowledgedByPriority: { 1: 0, 2: 0, 3: 0, 4: 0 } as Record<string, number>,
    byState: {} as Record<string, number>,
  };
  for (const { state, priority } of alarms) {
    counts.byState[state] = (counts.byState[state] ?? 0) + 1;
    if (!TO_HANDLE.has(state)) continue;
    counts.toHandle += 1;
    counts.byPriority[priority] = (counts.byPriority[priority] ?? 0) + 1;
    if (!TO_ACKNOWLEDGE.has(state)) continue;
    counts.unacknowledged += 1;
    counts.unacknowledgedByPriority[priority] =
      (counts.unacknowledgedByPriority[priority] ?? 0) + 1;
  }
  return counts;
}

/**
 * The alarms to handle by where they come from, each group with the one that was first. Every
 * alarm is in exactly one group. All wells of a connection that is lost are one group.
 */
export function groupByFirstOut(alarms: Iterable<Alarm>): (AlarmGroup & { members: Alarm[] })[] {
  const listed = [...alarms].filter((one) => TO_HANDLE.has(one.state));
  const lost = new Set(
    listed.filter((one) => one.condition === "comm_failure").map((one) => one.connectionId),
  );
  const found = new Map<string, Alarm[]>();
  for (const alarm of listed) {
    const wellId = lost.has(alarm.connectionId) ? "" : alarm.wellId;
    const key = JSON.stringify([alarm.connectionId, wellId]);
    const members = found.get(key);
    if (members === undefined) found.set(key, [alarm]);
    else members.push(alarm);
  }
  const groups = [...found].map(([key, members]) => {
    const [connectionId, wellId] = JSON.parse(key) as [string, string];
    members.sort(byTime);
    const first = members[0] as Alarm;
    const counts = countAlarms(members);
    const byPriority = Object.fromEntries(
      Object.entries(counts.byPriority).filter(([, number]) => number > 0),
    );
    return {
      connectionId,
      wellId,
      firstOut: first.alarmId,
      since: first.activeSince,
      total: members.length,
      unacknowledged: counts.unacknowledged,
      byPriority,
      alarms: members.map(({ alarmId, version }) => ({ alarmId, version })),
      members,
    };
  });
  return groups.sort(
    (a, b) =>
      Number(a.unacknowledged === 0) - Number(b.unacknowledged === 0) ||
      worst(a) - worst(b) ||
      b.total - a.total ||
      compareText(a.connectionId, b.connectionId) ||
      compareText(a.wellId, b.wellId),
  );
}

export interface Chatter {
  alarmId: string;
  raised: number;
  /** The most of it within any minute: 3 or more. */
  mostPerMinute: number;
}

/** Alarms that come and go: raised 3 times or more within 60 s, by their events. */
export function chattering(events: Iterable<AlarmEvent>): Chatter[] {
  const raised = new Map<string, number[]>();
  for (const event of events) {
    if (event.kind !== "raised") continue;
    const times = raised.get(event.alarmId);
    if (times === undefined) raised.set(event.alarmId, [msOf(event.at)]);
    else times.push(msOf(event.at));
  }
  const found: Chatter[] = [];
  for (const [alarmId, times] of raised) {
    const mostPerMinute = mostWithin(times.sort((a, b) => a - b), CHATTERING_MS);
    if (mostPerMinute >= CHATTERING_TIMES) {
      found.push({ alarmId, raised: times.length, mostPerMinute });
    }
  }
  return found.sort((a, b) => b.mostPerMinute - a.mostPerMinute || b.raised - a.raised);
}

/** Active for more than a day. */
export function standing(alarms: Iterable<Alarm>, nowMs: number): Alarm[] {
  return [...alarms]
    .filter((one) => one.active && one.activeSince !== null)
    .filter((one) => nowMs - msOf(one.activeSince as string) > STANDING_MS)
    .sort(byTime);
}

/** Whether a search finds it: in well, tag, message or connection, in whatever case. */
export function isFound(alarm: Alarm, text: string): boolean {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return true;
  return [alarm.wellId, alarm.tagName, alarm.message, alarm.connectionId].some((one) =>
    one.toLowerCase().includes(wanted),
  );
}

function mostWithin(times: readonly number[], withinMs: number): number {
  let first = 0;
  let most = 0;
  for (const [at, time] of times.entries()) {
    while ((times[first] as number) <= time - withinMs) first += 1;
    most = Math.max(most, at - first + 1);
  }
  return most;
}

function worst(group: AlarmGroup): number {
  return Math.min(...Object.keys(group.byPriority).map(Number));
}

function byTime(a: Alarm, b: Alarm): number {
  return (
    (sinceMs(a) ?? Infinity) - (sinceMs(b) ?? Infinity) ||
    a.priority - b.priority ||
    compareText(a.alarmId, b.alarmId)
  );
}

/** As people sort names: well 2 before well 10. */
export function compareText(a: string, b: string): number {
  return collator.compare(a, b);
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
