// Connections, as a page of them tells and as a well's live feed does.
// Times are ISO 8601 in UTC; a `number | null` is null where there is none.

export interface ConnectionStatus {
  wellId: string;
  connectionId: string | null;
  sourceProtocol: string | null;
  state: string;
  stale: boolean;
  reason: string | null;
  message: string | null;
  lastHeartbeat: string | null;
  storedSeq: number;
  journalBatches: number;
  journalBytes: number;
  journalOldestS: number;
  rejectedTags: number;
}

export type StripState = "connected" | "down" | "none" | "suspended";

export interface ConditionFact {
  type: string;
  status: "True" | "False" | "Unknown";
  reason: string;
  message: string;
  since: string | null;
}

export interface Connection {
  connectionId: string;
  protocol: string;
  endpoint: string;
  state: string;
  stale: boolean;
  reason: string | null;
  message: string | null;
  since: string | null;
  lastHeartbeat: string | null;
  lastReadingAt: string | null;
  wells: string[];
  mappedTags: number;
  rejectedTags: number;
  rejected: { tag: string; mapping: string; reason: string }[];
  /** What else a person should know, a sentence each. */
  problems: string[];
  journal: { batches: number; bytes: number; oldestS: number; sizeBytes: number | null };
  conditions: ConditionFact[];
  strip?: { start: string; columnS: number; states: StripState[] };
}

export interface ConnectionsAnswer {
  asOf: string;
  connections: Connection[];
}
