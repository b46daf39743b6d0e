// Alarms, their events, counts and figures, and what was done about them. Live messages share them.
// Times are ISO 8601 in UTC; a `number | null` is null where there is none.

export type Priority = 1 | 2 | 3 | 4;
export type LimitCondition = "hihi" | "hi" | "lo" | "lolo";

export type AlarmState =
  | "normal"
  | "unacknowledged"
  | "acknowledged"
  | "returned_unacknowledged"
  | "latched_unacknowledged"
  | "latched_acknowledged"
  | "shelved"
  | "suppressed"
  | "out_of_service";

export type AlarmCondition =
  | LimitCondition
  | "rate"
  | "deviation"
  | "state"
  | "bad_quality"
  | "stale"
  | "comm_failure";

export type AlarmEventKind =
  | "raised"
  | "returned"
  | "acknowledged"
  | "shelved"
  | "unshelved"
  | "suppressed"
  | "unsuppressed"
  | "out_of_service"
  | "in_service"
  | "reset"
  | "removed";

/** comm_failure is of a connection: wellId and tagName are "" there. */
export interface AlarmName {
  alarmId: string;
  connectionId: string;
  wellId: string;
  tagName: string;
  condition: AlarmCondition;
  priority: Priority;
}

export interface Alarm extends AlarmName {
  state: AlarmState;
  active: boolean;
  acknowledged: boolean;
  latched: boolean;
  suppressed: boolean;
  outOfService: boolean;
  shelvedUntil: string | null;
  shelvedBy: string | null;
  since: string | null;
  activeSince: string | null;
  value: number | null;
  limit: number | null;
  unit: string;
  message: string;
  consequence: string;
  response: string;
  acknowledgedBy: string | null;
  acknowledgedAt: string | null;
  comment: string;
  version: number;
  eventNo: number;
  declared: boolean;
  confirmed: boolean;
}

export interface AlarmEvent extends AlarmName {
  eventNo: number;
  at: string;
  recordedAt: string;
  kind: AlarmEventKind;
  actor: string;
  comment: string;
  value: number | null;
  limit: number | null;
  detail: Record<string, unknown>;
  state: AlarmState;
}

/** An alarm as an action wants it; version as it was on the screen. */
export interface AlarmHandle {
  alarmId: string;
  version?: number;
}

export interface AlarmGroup {
  connectionId: string;
  wellId: string;
  firstOut: string;
  since: string | null;
  total: number;
  unacknowledged: number;
  byPriority: Record<string, number>;
  alarms?: { alarmId: string; version: number }[];
}

export interface Counts {
  toHandle: number;
  unacknowledged: number;
  byPriority: Record<string, number>;
  unacknowledgedByPriority: Record<string, number>;
  byState: Record<string, number>;
  raisedIn10Min: number;
  flood: { since: string; groups: AlarmGroup[] } | null;
}

export interface AlarmsPage {
  asOf: string;
  alarms: Alarm[];
  nextCursor: string | null;
}

export interface EventsPage {
  asOf: string;
  events: AlarmEvent[];
  nextCursor: string | null;
}

export interface CountsAnswer {
  asOf: string;
  eventNo: number;
  counts: Counts;
}

export type AlarmAction =
  "acknowledge" | "shelve" | "unshelve" | "out-of-service" | "in-service" | "reset";

export interface ActionResult {
  alarmId: string;
  done: boolean;
  problem: string | null;
  code: "unknown" | "already" | "changed" | "wrong_state" | null;
  by: string | null;
  at: string | null;
  version: number | null;
  eventNo: number | null;
  state: AlarmState | null;
}

export interface ActionAnswer {
  asOf: string;
  done: number;
  alarms: ActionResult[];
}

export interface Figures {
  alarms: number;
  averagePer10Min: number;
  peakPer10Min: number;
  above10Share: number;
  floodShare: number;
  floods: number;
  mostFrequent: { alarm: AlarmName; raised: number; share: number }[];
  chattering: { alarm: AlarmName; raised: number; mostPerMinute: number }[];
  standing: { alarm: AlarmName; activeSince: string; state: AlarmState }[];
  priorities: Record<string, { alarms: number; share: number }>;
  shifts: {
    start: string;
    end: string;
    alarms: number;
    averagePer10Min: number;
    peakPer10Min: number;
  }[];
}

export interface FiguresAnswer {
  asOf: string;
  start: string;
  end: string;
  figures: Figures;
  definitions: Record<string, string>;
}
