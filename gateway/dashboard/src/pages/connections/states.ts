// How a connection is, for people: one of five kinds, a glyph and a word, and which is worse.

import { compareText } from "../../model/alarms.ts";
import type { StateGlyph } from "../../parts/StateMark.tsx";
import type { Connection } from "../../rest/types/connections.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";

/** The worst first. */
export const KINDS = ["down", "degraded", "connecting", "suspended", "connected"] as const;
export type Kind = (typeof KINDS)[number];

export const KIND_WORDS: Record<Kind, string> = {
  down: "Down",
  degraded: "Degraded",
  connecting: "Connecting",
  suspended: "Suspended",
  connected: "Connected",
};

export interface StateNow {
  kind: Kind;
  glyph: StateGlyph;
  word: string;
}

/** Readings that wait longer for the database are held up [s]; as the operator's status has it. */
export const WAITING_S = 60;

export function stateOf(connection: Connection): StateNow {
  const { state, stale, reason } = connection;
  if (state === "suspended") return { kind: "suspended", glyph: "pause", word: "Suspended" };
  if (stale && reason === "FeedLost") return { kind: "degraded", glyph: "question", word: "Unknown" };
  if (stale || state === "stopped") return { kind: "down", glyph: "cross", word: noWorker(connection) };
  if (state === "connecting") return { kind: "connecting", glyph: "wait", word: "Connecting" };
  if (state === "fenced") return { kind: "degraded", glyph: "warning", word: "Replaced" };
  if (state !== "connected") return { kind: "down", glyph: "cross", word: "Down" };
  const trouble = troubleOf(connection);
  if (trouble !== null) return { kind: "degraded", glyph: "warning", word: trouble };
  return { kind: "connected", glyph: "ok", word: "Connected" };
}

function noWorker({ state, reason }: Connection): string {
  if (state === "stopped") return "Stopped";
  return reason === "NeverHeard" ? "Not running" : "No worker";
}

/** What is not as it should be although the device is connected; the worst of it. */
function troubleOf(connection: Connection): string | null {
  const flowing = conditionOf(connection, "DataFlowing");
  if (flowing?.reason === "JournalFull") return "Not stored";
  if (connection.journal.oldestS > WAITING_S) return "Stalled";
  if (flowing?.reason === "NoReadings") return "No readings";
  if (flowing?.reason === "NoTags") return "No tags";
  return connection.rejectedTags > 0 ? "Tags rejected" : null;
}

export function conditionOf(connection: Connection, type: string) {
  return connection.conditions.find((one) => one.type === type) ?? null;
}

const TROUBLES = ["Not stored", "Stalled", "No readings", "No tags", "Unknown", "Replaced", "Tags rejected"];

/** The worst first; of those that are as bad, by name. */
export function worstFirst(a: Connection, b: Connection): number {
  const [one, other] = [stateOf(a), stateOf(b)];
  return (
    KINDS.indexOf(one.kind) - KINDS.indexOf(other.kind) ||
    TROUBLES.indexOf(one.word) - TROUBLES.indexOf(other.word) ||
    compareText(a.connectionId, b.connectionId)
  );
}

export function countKinds(connections: readonly Connection[]): Record<Kind, number> {
  const counts: Record<Kind, number> = { down: 0, degraded: 0, connecting: 0, suspended: 0, connected: 0 };
  for (const one of connections) counts[stateOf(one).kind] += 1;
  return counts;
}

/** namespace/name: what people call it is the name. */
export function nameOf(connectionId: string): string {
  return connectionId.slice(connectionId.indexOf("/") + 1);
}

/** The pads of a connection's wells, in order. */
export function padsOf(connection: Connection, wells: ReadonlyMap<string, OverviewWell>): string[] {
  const pads = new Set(connection.wells.map((wellId) => wells.get(wellId)?.pad ?? ""));
  pads.delete("");
  return [...pads].sort(compareText);
}
