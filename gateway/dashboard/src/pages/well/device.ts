// Whether readings of a well are the present ones, and if not why. Pure.

import { isConnected } from "../../model/attention.ts";
import type { Connection, ConnectionStatus } from "../../rest/types/connections.ts";

export interface Down {
  connectionId: string;
  /** "is down", "is suspended", "is not heard". */
  word: string;
  sinceMs: number | null;
  message: string;
}

/** The connections of a well that are away; all: none of them is there. */
export function downOf(
  statuses: readonly ConnectionStatus[],
  connections: readonly Connection[] | null,
): { down: Down[]; all: boolean } {
  const known = statuses.filter((one) => one.connectionId !== null);
  const down = known
    .filter((one) => !isConnected(one))
    .map((one) => {
      const more = connections?.find((other) => other.connectionId === one.connectionId);
      const told = more?.since ?? one.lastHeartbeat;
      const ms = told === null ? Number.NaN : Date.parse(told);
      return {
        connectionId: one.connectionId as string,
        word: one.state === "suspended" && !one.stale ? "is suspended" : one.stale ? "is not heard" : "is down",
        sinceMs: Number.isNaN(ms) ? null : ms,
        message: one.message || more?.message || "",
      };
    });
  return { down, all: down.length > 0 && down.length === known.length };
}

/** The last part of its name: "permian-ops/pad-a" -> "pad-a". */
export function shortName(connectionId: string): string {
  return connectionId.split("/").at(-1) ?? connectionId;
}
