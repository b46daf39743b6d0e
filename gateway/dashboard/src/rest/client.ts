import { ProblemError, problemOf } from "./problem.ts";
import type {
  ActionAnswer,
  AlarmAction,
  AlarmCondition,
  AlarmEventKind,
  AlarmHandle,
  AlarmsPage,
  AlarmState,
  CountsAnswer,
  EventsPage,
  FiguresAnswer,
} from "./types/alarms.ts";
import type {
  CommandAnswer,
  CommandsPage,
  CommandState,
  ControlRequest,
  WritableTags,
} from "./types/commands.ts";
import type { ConnectionsAnswer } from "./types/connections.ts";
import type { Me } from "./types/me.ts";
import type { Template, TemplatesAnswer } from "./types/pictures.ts";
import type { LatestAnswer, PointsAnswer, ReadingsPage, SparksAnswer } from "./types/readings.ts";
import type { ScreensConfig } from "./types/screens.ts";
import type { OverviewAnswer, WellAnswer } from "./types/wells.ts";

const TIMEOUT_MS = 15_000;
const RETRY_MOST_S = 5;
const RETRIES = 2;

export interface ClientOptions {
  /** "" for the host that served the page. */
  base?: string;
  /** The token of the moment; null when signed out. */
  token: () => string | null;
  /** Told of each 401, with its sentence. */
  onSignedOut?: (sentence: string) => void;
  fetch?: typeof fetch;
}

type Value = string | number | undefined | null;
export type Query = Record<string, Value | readonly (string | number)[]>;
export interface Asking {
  signal?: AbortSignal | undefined;
  timeoutMs?: number;
}

/**
 * Asks the gateway. Every refusal is a ProblemError with its sentence; reading is tried again
 * where the gateway says when (429, 503), acting never is.
 */
export class Client {
  readonly #base: string;
  readonly #token: () => string | null;
  readonly #onSignedOut: (sentence: string) => void;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    this.#base = options.base ?? "";
    this.#token = options.token;
    this.#onSignedOut = options.onSignedOut ?? (() => undefined);
    this.#fetch = options.fetch ?? ((...given) => fetch(...given));
  }

  /** GET, with up to two more tries where the gateway is only busy. */
  async get<A>(path: string, query: Query = {}, asking: Asking = {}): Promise<A> {
    for (let tried = 0; ; tried++) {
      try {
        return await this.#ask<A>("GET", path + queryText(query), undefined, asking);
      } catch (error) {
        const wait = waitBefore(error, tried);
        if (wait === null) throw error;
        await pause(wait, asking.signal);
      }
    }
  }

  /** POST, once. */
  post<A>(path: string, body: unknown, asking: Asking = {}): Promise<A> {
    return this.#ask<A>("POST", path, JSON.stringify(body), asking);
  }

  async #ask<A>(method: string, path: string, body: string | undefined, asking: Asking): Promise<A> {
    const timeoutMs = asking.timeoutMs ?? TIMEOUT_MS;
    const late = AbortSignal.timeout(timeoutMs);
    const signal = asking.signal ? AbortSignal.any([asking.signal, late]) : late;
    const headers: Record<string, string> = { Accept: "application/json" };
    const token = this.#token();
    if (token !== null) headers["Authorization"] = `Bearer ${token}`;
    if (body !== undefined) headers["Content-Type"] = "application/json";
    let answer: Response;
    let text: string;
    try {
      const init: RequestInit = { method, headers, signal, cache: "no-cache" };
      if (body !== undefined) init.body = body;
      answer = await this.#fetch(this.#base + path, init);
      text = await answer.text();
    } catch (error) {
      if (asking.signal?.aborted) throw error;
      throw late.aborted ? tooLate(timeoutMs) : unreachable();
    }
    if (answer.ok) return parse<A>(text);
    const problem = problemOf(answer.status, text, answer.headers.get("Retry-After"));
    if (problem.isSignedOut) this.#onSignedOut(problem.message);
    throw problem;
  }

  // What the gateway can be asked, by name

  config = (asking?: Asking) => this.get<ScreensConfig>("/screens/config.json", {}, asking);
  me = (asking?: Asking) => this.get<Me>("/api/scada/me", {}, asking);
  overview = (asking?: Asking) => this.get<OverviewAnswer>("/api/scada/overview", {}, asking);
  well = (wellId: string, asking?: Asking) =>
    this.get<WellAnswer>(`/api/scada/wells/${encodeURIComponent(wellId)}`, {}, asking);
  templates = (asking?: Asking) =>
    this.get<TemplatesAnswer>("/api/scada/templates", {}, asking);
  template = (name: string, asking?: Asking) =>
    this.get<Template>(`/api/scada/templates/${encodeURIComponent(name)}`, {}, asking);
  latest = (wellId: string, asking?: Asking) =>
    this.get<LatestAnswer>("/api/scada/latest", { wellId }, asking);

  /** Buckets of up to 8 tags of a well; points: pixel columns, 16 to 4000. */
  points = (
    asked: { wellId: string; tagName: readonly string[]; start: string; end: string; points: number },
    asking?: Asking,
  ) => this.get<PointsAnswer>("/api/scada/readings", { ...asked }, asking);

  /** Raw readings, a page. */
  readings = (
    asked: {
      wellId: string;
      tagName?: readonly string[];
      start: string;
      end: string;
      limit?: number;
      cursor?: string | null;
    },
    asking?: Asking,
  ) => this.get<ReadingsPage>("/api/scada/readings", { ...asked, interval: "raw" }, asking);

  /** pens: <wellId>/<tagName>, at most 60. */
  sparks = (
    asked: { pen: readonly string[]; hours?: number; columns?: number },
    asking?: Asking,
  ) => this.get<SparksAnswer>("/api/scada/sparks", { ...asked }, asking);

  alarms = (
    asked: {
      state?: readonly AlarmState[];
      priority?: readonly number[];
      condition?: readonly AlarmCondition[];
      wellId?: string;
      connectionId?: string;
      q?: string;
      limit?: number;
      cursor?: string | null;
    } = {},
    asking?: Asking,
  ) => this.get<AlarmsPage>("/api/scada/alarms", { ...asked }, asking);

  alarmCounts = (asking?: Asking) =>
    this.get<CountsAnswer>("/api/scada/alarms/counts", {}, asking);

  alarmEvents = (
    asked: {
      alarmId?: string;
      wellId?: string;
      connectionId?: string;
      kind?: readonly AlarmEventKind[];
      start?: string;
      end?: string;
      limit?: number;
      cursor?: string | null;
    } = {},
    asking?: Asking,
  ) => this.get<EventsPage>("/api/scada/events", { ...asked }, asking);

  alarmFigures = (
    asked: { start?: string; end?: string; shiftHours?: 8 | 12; shiftStart?: string } = {},
    asking?: Asking,
  ) => this.get<FiguresAnswer>("/api/scada/alarms/figures", { ...asked }, asking);

  /** shelve wants reason, and minutes or until; out-of-service a reason; the others a comment. */
  actOnAlarms = (
    action: AlarmAction,
    body: {
      alarms: readonly AlarmHandle[];
      comment?: string;
      reason?: string;
      minutes?: number;
      until?: string;
    },
    asking?: Asking,
  ) => this.post<ActionAnswer>(`/api/scada/alarms/${action}`, body, asking);

  commands = (
    asked: {
      wellId?: string;
      tagName?: string;
      state?: readonly CommandState[];
      limit?: number;
      cursor?: string | null;
    } = {},
    asking?: Asking,
  ) => this.get<CommandsPage>("/api/scada/control", { ...asked }, asking);

  command = (commandId: string, asking?: Asking) =>
    this.get<CommandAnswer>(`/api/scada/control/${encodeURIComponent(commandId)}`, {}, asking);
  writableTags = (wellId: string, asking?: Asking) =>
    this.get<WritableTags>("/api/scada/control/tags", { wellId }, asking);

  /** Asks for a value to be written. The same idempotencyKey again never writes twice. */
  control = (asked: ControlRequest, asking?: Asking) =>
    this.post<CommandAnswer>("/api/scada/control", asked, asking);
  decide = (commandId: string, approve: boolean, comment: string, asking?: Asking) =>
    this.post<CommandAnswer>(
      `/api/scada/control/${encodeURIComponent(commandId)}/decision`,
      { approve, comment },
      asking,
    );

  connections = (asking?: Asking) =>
    this.get<ConnectionsAnswer>("/api/scada/connections", {}, asking);
}

/** ?a=1&b=x&b=y; what is null or undefined is left out. */
export function queryText(query: Query): string {
  const parts = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    for (const one of Array.isArray(value) ? value : [value]) parts.append(name, String(one));
  }
  const text = parts.toString();
  return text === "" ? "" : `?${text}`;
}

function waitBefore(error: unknown, tried: number): number | null {
  if (!(error instanceof ProblemError) || tried >= RETRIES) return null;
  if (error.status !== 429 && error.status !== 503) return null;
  if (error.retryAfterS === null || error.retryAfterS > RETRY_MOST_S) return null;
  return error.retryAfterS * 1000;
}

function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = () => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });
}

function parse<A>(text: string): A {
  try {
    return JSON.parse(text) as A;
  } catch {
    throw new ProblemError(
      "The gateway's answer cannot be read. Something between it and this screen changed it; " +
        "load the page again.",
      { status: 0, code: "UNREADABLE" },
    );
  }
}

function unreachable(): ProblemError {
  return new ProblemError(
    "The gateway cannot be reached from this screen. Check the network; the screen tries again by itself.",
    { status: 0, code: "OFFLINE" },
  );
}

function tooLate(timeoutMs: number): ProblemError {
  return new ProblemError(
    `The gateway did not answer within ${timeoutMs / 1000} s. Try again; a shorter range is answered sooner.`,
    { status: 0, code: "TIMEOUT" },
  );
}
