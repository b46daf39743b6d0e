// Readings: the latest, a history, columns of pixels, sparks. Live messages share them.
// Times are ISO 8601 in UTC; a `number | null` is null where there is none.

import type { ConnectionStatus } from "./connections.ts";

export type Quality = "GOOD" | "UNCERTAIN" | "BAD";

export interface Reading {
  tagName: string;
  value: number | null;
  quality: Quality;
  reason: string | null;
  timestamp: string;
}

/** GET /api/scada/latest */
export interface LatestAnswer {
  wellId: string;
  source: "feed" | "database";
  readings: Reading[];
  connections: ConnectionStatus[];
}

export interface HistoryReading {
  time: string;
  tagName: string;
  connectionId: string;
  value: number | null;
  quality: Quality;
  reason: string | null;
  unit: string;
  sourceProtocol: string;
}

/** GET /api/scada/readings with interval=raw */
export interface ReadingsPage {
  wellId: string;
  start: string;
  end: string;
  interval: "raw";
  source: string;
  readings: HistoryReading[];
  nextCursor: string | null;
}

/**
 * [tMs, first, last, min, max, n, good, worst, firstMs, lastMs, mean]; worst: 0 GOOD, 1 UNCERTAIN,
 * 2 BAD. first to max and firstMs, lastMs leave BAD out, mean is of the GOOD: null where there are none.
 */
export type WireBucket = [
  number,
  number | null,
  number | null,
  number | null,
  number | null,
  number,
  number,
  0 | 1 | 2,
  number | null,
  number | null,
  number | null,
];

/** Readings that are missing, or not stored yet. to null: it lasts. */
export interface Hole {
  connectionId: string | null;
  from: string;
  to: string | null;
  reason: string;
  message: string;
}

export interface PointsSeries {
  tagName: string;
  unit: string;
  connectionIds: string[];
  buckets: WireBucket[];
}

/**
 * GET /api/scada/readings with points: one bucket a pixel column, empty ones left out. A tag whose
 * unit was changed has a series for each. storedUntil: what was received before it is in the answer.
 */
export interface PointsAnswer {
  asOf: string;
  wellId: string;
  start: string;
  end: string;
  interval: string;
  source: string;
  columnS: number;
  storedUntil: string | null;
  series: PointsSeries[];
  holes: Hole[];
}

export interface Spark {
  wellId: string;
  tagName: string;
  min: (number | null)[];
  max: (number | null)[];
  last: (number | null)[];
  worst: (0 | 1 | 2 | null)[];
}

/** GET /api/scada/sparks */
export interface SparksAnswer {
  asOf: string;
  start: string;
  columnS: number;
  interval: string;
  source: string;
  sparks: Spark[];
}
