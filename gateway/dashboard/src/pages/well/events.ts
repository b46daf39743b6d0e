// What happened at a well, alarms and commands in one list. Pure.

import { type AlarmWords, alarmWords } from "../../frame/alarm-words.ts";
import { titleOf } from "../../model/attention.ts";
import { commandLabel } from "../../model/commands.ts";
import { valueText } from "../../model/present.ts";
import { msOf } from "../../model/times.ts";
import type { Alarm, AlarmEvent, AlarmEventKind, Priority } from "../../rest/types/alarms.ts";
import type { Command } from "../../rest/types/commands.ts";
import type { TagFacts, WellAnswer } from "../../rest/types/wells.ts";

export interface Happened {
  key: string;
  atMs: number;
  kind: "alarm" | "command";
  /** Of an alarm that was raised. */
  priority: Priority | null;
  /** "Alarm: Tubing pressure Hi", "Pump speed → 8.4 SPM" */
  what: string;
  /** "412 > 400 psi", "verified" */
  detail: string;
  who: string;
  /** What somebody said about it. */
  comment: string;
}

export const KIND_WORDS: Record<AlarmEventKind, string> = {
  raised: "Alarm",
  returned: "Returned",
  acknowledged: "Acknowledged",
  shelved: "Shelved",
  unshelved: "Unshelved",
  suppressed: "Suppressed",
  unsuppressed: "No longer suppressed",
  out_of_service: "Out of service",
  in_service: "Back in service",
  reset: "Reset",
  removed: "Alarm removed",
};

/** An alarm's event in words; unit as the tag has it now. */
export function ofAlarm(event: AlarmEvent, well: Pick<WellAnswer, "title" | "tags">): Happened {
  const tag = well.tags.find((one) => one.tagName === event.tagName);
  const unit = tag?.unit ?? "";
  const title = titleOf(tag ?? event);
  const message = event.condition === "state" ? title : "";
  const words = alarmWords({ ...event, message, unit } as unknown as Alarm, { title: well.title, keys: well.tags });
  const isValue = event.kind === "raised" || event.kind === "returned";
  return {
    key: `a${event.eventNo}`,
    atMs: msOf(event.at),
    kind: "alarm",
    priority: event.priority,
    what: `${KIND_WORDS[event.kind]}: ${words.what}`,
    detail: isValue ? detailOf(event, words, tag, unit) : "",
    who: event.actor,
    comment: event.comment,
  };
}

function detailOf(event: AlarmEvent, words: AlarmWords, tag: TagFacts | undefined, unit: string): string {
  if (event.condition === "state") return event.value === null || tag === undefined ? "" : valueText(event.value, tag);
  if (event.kind === "raised") return `${words.value} ${words.against}`.trim();
  return words.value === "" ? "" : `${words.value} ${unit}`.trim();
}

/** A command in words, as far as it has come. */
export function ofCommand(command: Command, well: Pick<WellAnswer, "tags">): Happened {
  const tag = well.tags.find((one) => one.tagName === command.tagName);
  const isWord = tag?.stateNames[String(command.value)] !== undefined;
  const value = tag === undefined ? String(command.value) : valueText(command.value, tag);
  const unit = isWord || command.unit === "" ? "" : ` ${command.unit}`;
  return {
    key: `c${command.commandId}`,
    atMs: msOf(command.requestedAt),
    kind: "command",
    priority: null,
    what: `${titleOf(tag ?? command)} → ${value}${unit}`,
    detail: commandLabel(command).toLowerCase(),
    who: command.requestedBy,
    comment: command.reason,
  };
}

/** One source that is read page by page, the newest first. */
export interface Source {
  items: readonly Happened[];
  /** There are older ones that were not read yet. */
  hasMore: boolean;
}

export interface Merged {
  items: Happened[];
  hasMore: boolean;
}

/**
 * Both in one order, the newest first, each once. Nothing is shown that is older than where a source
 * with more to read stops: something of it would be missing in between.
 */
export function merged(sources: readonly Source[]): Merged {
  let untilMs = -Infinity;
  for (const { items, hasMore } of sources) {
    if (hasMore) untilMs = Math.max(untilMs, oldestMs(items));
  }
  const found = new Map<string, Happened>();
  for (const { items } of sources) {
    for (const one of items) if (one.atMs >= untilMs && !found.has(one.key)) found.set(one.key, one);
  }
  const items = [...found.values()].sort((a, b) => b.atMs - a.atMs || (a.key < b.key ? 1 : -1));
  return { items, hasMore: sources.some((one) => one.hasMore) };
}

/** The source that has to be read on so that more can be shown; -1: none. */
export function nextSource(sources: readonly Source[]): number {
  let found = -1;
  let newest = -Infinity;
  sources.forEach((one, at) => {
    if (!one.hasMore || oldestMs(one.items) <= newest) return;
    found = at;
    newest = oldestMs(one.items);
  });
  return found;
}

function oldestMs(items: readonly Happened[]): number {
  return items.reduce((least, one) => Math.min(least, one.atMs), Infinity);
}
