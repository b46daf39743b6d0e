// Which alarms are on which tab, and what the address says of the page.

import { TO_ACKNOWLEDGE, TO_HANDLE, isFound } from "../../model/alarms.ts";
import type { Alarm, AlarmState, Priority } from "../../rest/types/alarms.ts";

export const TABS = ["to-handle", "unacknowledged", "shelved", "suppressed", "out-of-service", "history", "figures"] as const;
export type Tab = (typeof TABS)[number];

export const TAB_WORDS: Record<Tab, string> = {
  "to-handle": "To handle",
  unacknowledged: "Unacknowledged",
  shelved: "Shelved",
  suppressed: "Suppressed",
  "out-of-service": "Out of service",
  history: "History",
  figures: "Figures",
};

export interface Filter {
  priorities: readonly Priority[];
  text: string;
  /** A well, or "". */
  wellId: string;
}

export interface View extends Filter {
  tab: Tab;
  /** The alarm that a link opened; "" for none. */
  alarm: string;
}

const STATES: Partial<Record<Tab, ReadonlySet<AlarmState>>> = {
  "to-handle": TO_HANDLE,
  unacknowledged: TO_ACKNOWLEDGE,
  shelved: new Set<AlarmState>(["shelved"]),
  suppressed: new Set<AlarmState>(["suppressed"]),
  "out-of-service": new Set<AlarmState>(["out_of_service"]),
};

/** Whether a tab lists alarms, and not what happened. */
export function isList(tab: Tab): boolean {
  return STATES[tab] !== undefined;
}

export function isOnTab(alarm: Alarm, tab: Tab): boolean {
  return STATES[tab]?.has(alarm.state) ?? false;
}

export function passes(alarm: Alarm, { priorities, text, wellId }: Filter): boolean {
  if (priorities.length > 0 && !priorities.includes(alarm.priority)) return false;
  return (wellId === "" || alarm.wellId === wellId) && isFound(alarm, text);
}

export function isFiltered({ priorities, text, wellId }: Filter): boolean {
  return priorities.length > 0 || text.trim() !== "" || wellId !== "";
}

export function viewOf(query: Record<string, string | undefined>): View {
  const tab = TABS.find((one) => one === query["tab"]) ?? "to-handle";
  const priorities = (query["p"] ?? "").split("").map(Number).filter((one): one is Priority => one >= 1 && one <= 4);
  return { tab, priorities, text: query["q"] ?? "", wellId: query["well"] ?? "", alarm: query["alarm"] ?? "" };
}

export function linkOf(view: Partial<View>): string {
  const parts = new URLSearchParams();
  if (view.tab !== undefined && view.tab !== "to-handle") parts.set("tab", view.tab);
  if (view.priorities !== undefined && view.priorities.length > 0) parts.set("p", view.priorities.join(""));
  if (view.text) parts.set("q", view.text);
  if (view.wellId) parts.set("well", view.wellId);
  if (view.alarm) parts.set("alarm", view.alarm);
  const text = parts.toString();
  return text === "" ? "/alarms" : `/alarms?${text}`;
}
