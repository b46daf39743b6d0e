// Commands, and the tags that they can write. Live messages share them.
// Times are ISO 8601 in UTC; a `number | null` is null where there is none.

export type CommandState =
  | "requested"
  | "validated"
  | "approved"
  | "sent"
  | "accepted"
  | "verified"
  | "mismatch"
  | "timeout"
  | "refused"
  | "expired"
  | "rejected";

export interface CommandStep {
  changeNo: number;
  at: string;
  state: CommandState;
  actor: string;
  message: string;
}

export interface Command {
  commandId: string;
  wellId: string;
  tagName: string;
  connectionId: string;
  unit: string;
  value: number;
  written: number | null;
  readBack: number | null;
  state: CommandState;
  running: boolean;
  message: string;
  reason: string;
  approval: "none" | "required";
  requestedBy: string;
  requestedRole: string;
  requestedAt: string;
  decidedBy: string | null;
  decidedAt: string | null;
  comment: string;
  expiresAt: string;
  sentAt: string | null;
  doneAt: string | null;
  idempotencyKey: string;
  changeNo: number;
}

export interface CommandAnswer {
  asOf: string;
  command: Command;
  steps: CommandStep[];
}

export interface CommandsPage {
  asOf: string;
  commands: Command[];
  nextCursor: string | null;
}

/** off: why it cannot be written now, as a sentence; null when it can. */
export interface WritableTag {
  wellId: string;
  tagName: string;
  connectionId: string;
  description: string;
  unit: string;
  low: number | null;
  high: number | null;
  states: number[];
  stateNames: Record<string, string>;
  approval: "none" | "required";
  off: string | null;
  running: Command | null;
}

export interface WritableTags {
  asOf: string;
  wellId: string;
  tags: WritableTag[];
}

export interface ControlRequest {
  wellId: string;
  tagName: string;
  value: number;
  reason: string;
  idempotencyKey: string;
  expiresS?: number;
}
