// The forms of what the gateway answers over REST, and of what its live messages share with it.
// Times are ISO 8601 in UTC; a `number | null` is null where there is none.

export type Quality = "GOOD" | "UNCERTAIN" | "BAD";
export type Priority = 1 | 2 | 3 | 4;
export type Role = "viewer" | "operator" | "engineer" | "admin";

// Serving and sign-in

export interface OidcConfig {
  issuer: string;
  clientId: string;
  scopes: string;
}

/** GET /screens/config.json, the only answer that needs no token. */
export interface ScreensConfig {
  version: string;
  webSocketUrl: string;
  oidc: OidcConfig | null;
  tokenSignIn: boolean;
}

/** GET /api/scada/me. may: what this role may do, in words such as "acknowledge". */
export interface Me {
  asOf: string;
  subject: string;
  email: string | null;
  tenantId: string;
  role: Role;
  expiresAt: string;
  may: string[];
}

// Wells and tags

export type LimitCondition = "hihi" | "hi" | "lo" | "lolo";

export interface TagLimit {
  condition: LimitCondition;
  limit: number;
  priority: Priority;
}

/** What is known of a tag besides its readings. staleAfterS null: its protocol tells by itself. */
export interface TagFacts {
  tagName: string;
  title: string;
  description: string;
  connectionId: string;
  protocol: string;
  address: string;
  unit: string;
  dataType: string;
  intervalS: number | null;
  staleAfterS?: number | null;
  low: number | null;
  high: number | null;
  normalLow: number | null;
  normalHigh: number | null;
  digits: number | null;
  stateNames: Record<string, string>;
  writable: boolean;
  limits: TagLimit[];
}

/** GET /api/scada/wells/{wellId}. roles: role of the template to name of a tag. */
export interface WellAnswer {
  asOf: string;
  wellId: string;
  title: string;
  type: string;
  pad: string;
  route: string;
  timeZone: string;
  template: string | null;
  roles: Record<string, string>;
  keyTags: string[];
  tags: TagFacts[];
}

export interface OverviewWell {
  wellId: string;
  title: string;
  type: string;
  pad: string;
  route: string;
  timeZone: string;
  keys: TagFacts[];
  connectionIds: string[];
  tags: number;
}

/** GET /api/scada/overview */
export interface OverviewAnswer {
  asOf: string;
  wells: OverviewWell[];
}

export interface WellSummary {
  wellId: string;
  tags: { tagName: string; unit: string; dataType: string; connectionId: string }[];
  lastReadingAt: string | null;
}

export interface WellsPage {
  wells: WellSummary[];
  nextAfter: string | null;
}

// Process pictures

export type BindKind = "value" | "level" | "state" | "flow" | "position" | "show" | "card";

export interface TemplateRole {
  label: string;
  unit?: string;
  digits?: number;
  required?: boolean;
  states?: Record<string, string>;
}

export interface TemplateBinding {
  el: string;
  as: BindKind;
  role?: string;
  card?: string;
  /** Of level: the side that the value is measured from; bottom when not given. */
  from?: "bottom" | "top";
  /** Of flow: seen while the value is above it, in the role's unit; 0 when not given. */
  above?: number;
  /** Of state: the values in which it runs; ["1"] when not given. */
  run?: string[];
  /** Of show: the values in which it is seen. */
  states?: string[];
}

/** GET /api/scada/templates/{name} */
export interface Template {
  template: string;
  version: number;
  title: string;
  picture: string;
  views: Record<string, [number, number, number, number]>;
  roles: Record<string, TemplateRole>;
  bind: TemplateBinding[];
  svg: string;
}

export interface TemplatesAnswer {
  asOf: string;
  templates: { template: string; version: number; title: string }[];
}

// Readings

export interface Reading {
  tagName: string;
  value: number | null;
  quality: Quality;
  reason: string | null;
  timestamp: string;
}

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

// Alarms

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
export interface Alarm {
  alarmId: string;
  connectionId: string;
  wellId: string;
  tagName: string;
  condition: AlarmCondition;
  priority: Priority;
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

export interface AlarmEvent {
  eventNo: number;
  at: string;
  recordedAt: string;
  alarmId: string;
  connectionId: string;
  wellId: string;
  tagName: string;
  condition: AlarmCondition;
  priority: Priority;
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

export interface AlarmName {
  alarmId: string;
  connectionId: string;
  wellId: string;
  tagName: string;
  condition: AlarmCondition;
  priority: Priority;
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

// Commands

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

// Connections

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

/** A problem document (RFC 9457): detail is the sentence for people. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  instance?: string;
  by?: string;
  at?: string;
  alarmId?: string;
  state?: string;
  version?: number;
}
