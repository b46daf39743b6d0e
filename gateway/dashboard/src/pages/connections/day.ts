// The last day of a connection in words and in runs.

import { spanText } from "../../model/times.ts";
import type { Connection, StripState } from "../../rest/types/connections.ts";

export type Strip = NonNullable<Connection["strip"]>;

export interface Run {
  state: StripState;
  /** First column, and how many. */
  from: number;
  columns: number;
}

export function runsOf(states: readonly StripState[]): Run[] {
  const runs: Run[] = [];
  states.forEach((state, column) => {
    const last = runs.at(-1);
    if (last !== undefined && last.state === state) last.columns += 1;
    else runs.push({ state, from: column, columns: 1 });
  });
  return runs;
}

const WORDS: Record<StripState, string> = {
  connected: "connected",
  down: "without connection",
  none: "not read",
  suspended: "suspended",
};

/** "Last 24 h: connected 23 h 45 min, without connection 15 min". */
export function dayWords({ states, columnS }: Strip): string {
  const sums = new Map<StripState, number>();
  for (const state of states) sums.set(state, (sums.get(state) ?? 0) + columnS * 1_000);
  const parts = [...sums].map(([state, ms]) => `${WORDS[state]} ${spanText(ms)}`);
  return `Last 24 h: ${parts.join(", ")}`;
}
