// What gateway and screen say to one another on the WebSocket (docs/wire.md, docs/alarms.md).

import type { Alarm, AlarmEvent, Counts } from "../rest/types/alarms.ts";
import type { Command, CommandStep } from "../rest/types/commands.ts";
import type { Connection, ConnectionStatus } from "../rest/types/connections.ts";
import type { Role } from "../rest/types/me.ts";
import type { Quality, Reading } from "../rest/types/readings.ts";
import type { Position } from "../model/positions.ts";
import type { WorstTag } from "../model/attention.ts";

/** [value, quality, reason, timestamp] */
export type LiveValue = [number | null, Quality, string | null, string];

export type WellStatus = Omit<ConnectionStatus, "wellId">;

export interface QualityCounts {
  good: number;
  uncertain: number;
  bad: number;
}

export interface Person {
  clientId: string;
  subject: string;
  email: string | null;
  role: Role;
  since: string;
}

export interface ServerMessages {
  connected: {
    clientId: string;
    tenantId: string;
    subject: string;
    role: Role;
    expiresAt: string;
    serverTime: string;
  };
  subscribed: {
    wellId: string;
    source: "feed" | "database" | "none";
    resumed: boolean;
    positions: Record<string, Position>;
    latest: Reading[];
  };
  unsubscribed: { wellId: string };
  readings: {
    epoch: string;
    seq: number;
    prev: number;
    wellId: string;
    connectionId: string;
    receivedAt: string;
    stored?: boolean;
    readings: Reading[];
  };
  gap: {
    wellId: string;
    connectionId: string;
    epoch: string;
    from: number;
    to: number;
    healed: boolean;
  };
  status: ConnectionStatus;
  conflated: {
    wellId: string;
    connectionId: string;
    epoch: string;
    seq: number;
    messages: number;
    dropped: number;
    readings: Reading[];
  };
  overview: {
    asOf: string;
    resumed?: boolean;
    wells: {
      wellId: string;
      values: (LiveValue | null)[];
      counts: QualityCounts;
      worst: WorstTag | null;
      connections: WellStatus[];
    }[];
  };
  "overview-changes": {
    asOf: string;
    wells: {
      wellId: string;
      values?: Record<string, LiveValue | null>;
      counts?: QualityCounts;
      worst?: WorstTag | null;
      connections?: WellStatus[];
    }[];
  };
  "overview-unsubscribed": object;
  alarms: {
    asOf: string | null;
    eventNo: number;
    current: boolean;
    resumed: boolean;
    alarms: Alarm[];
  };
  alarm: Alarm & { event: AlarmEvent | null };
  "alarm-counts": { asOf: string | null; eventNo: number; current: boolean; counts: Counts };
  "alarms-conflated": { eventNo: number; messages: number; alarms: Alarm[] };
  "alarms-unsubscribed": object;
  commands: { asOf: string; wellId: string | null; changeNo: number; commands: Command[] };
  command: { changeNo: number; step: CommandStep; command: Command };
  "commands-unsubscribed": object;
  connections: { asOf: string; connections: Connection[] };
  connection: Connection;
  "connection-beats": {
    asOf: string;
    /** [connectionId, lastHeartbeat, lastReadingAt, batches, bytes, oldestS] */
    beats: [string, string | null, string | null, number, number, number][];
  };
  "connections-unsubscribed": object;
  presence: { wellId: string; people: Person[] };
  stats: { clientId: string; feedConnected: boolean };
  error: { code: string; message: string; wellId?: string; retryAfterS?: number };
}

export type MessageType = keyof ServerMessages;

export type ClientMessage =
  | { type: "auth"; token: string }
  | { type: "subscribe-well" | "unsubscribe-well"; wellIds: string[] }
  | { type: "subscribe-overview" | "unsubscribe-overview" }
  | { type: "subscribe-alarms" | "unsubscribe-alarms" }
  | { type: "subscribe-commands"; wellId?: string }
  | { type: "unsubscribe-commands" }
  | { type: "subscribe-connections" | "unsubscribe-connections" }
  | { type: "presence"; wellId: string | null }
  | { type: "getStats" };
