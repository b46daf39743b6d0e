import { type ReadonlySignal, type Signal, computed, signal } from "@preact/signals";
import type { Client } from "../rest/client.ts";
import type { Session } from "../rest/session.ts";
import { Alarms } from "./alarms.ts";
import { serverNow } from "./clock.ts";
import { Commands } from "./commands.ts";
import { Connections } from "./connections.ts";
import { type Stop, everySecond } from "./frame-loop.ts";
import type { ServerMessages } from "./messages.ts";
import { Overview } from "./overview.ts";
import { Presence } from "./presence.ts";
import { Wells } from "./readings.ts";
import { Socket } from "./socket.ts";

const SLOW_MS = 10_000;

/** Live: values are the present ones. sinceMs: of an outage, when it began. */
export interface LiveStateNow {
  kind: "connecting" | "live" | "catching-up" | "slow" | "offline" | "signed-out";
  sinceMs: number;
  /** When it is tried next, by serverNow; null unless it waits. */
  nextTryMs: number | null;
  /** Why, as a sentence; null where all is well. */
  why: string | null;
}

export interface LiveOptions {
  client: Client;
  session: Pick<Session, "token" | "refused">;
  webSocketUrl: string;
  makeSocket?: (url: string) => WebSocket;
}

/** Everything that comes by itself. One for each page load. */
export class Live {
  readonly client: Client;
  readonly socket: Socket;
  readonly wells: Wells;
  readonly overview: Overview;
  readonly alarms: Alarms;
  readonly commands: Commands;
  readonly connections: Connections;
  readonly presence: Presence;
  readonly state: ReadonlySignal<LiveStateNow>;
  /** Now minus the newest reading that came [ms]; null: none came, or the screen is offline. */
  readonly lagMs: Signal<number | null> = signal(null);
  readonly who: ReadonlySignal<ServerMessages["connected"] | null>;

  readonly #slowUntilMs: Signal<number> = signal(0);
  readonly #nowMs: Signal<number> = signal(serverNow());
  readonly #wasOpen: Signal<boolean> = signal(false);
  #stop: Stop = () => undefined;

  constructor(options: LiveOptions) {
    const { client, session } = options;
    this.client = client;
    this.socket = new Socket({
      url: () => options.webSocketUrl,
      token: session.token,
      onRefused: (sentence) => void session.refused(sentence),
      ...(options.makeSocket ? { makeSocket: options.makeSocket } : {}),
    });
    this.who = this.socket.who;
    this.wells = new Wells(this.socket, client);
    this.overview = new Overview(this.socket, client);
    this.alarms = new Alarms(this.socket);
    this.commands = new Commands(this.socket);
    this.connections = new Connections(this.socket, client);
    this.presence = new Presence(this.socket);
    const slow = () => (this.#slowUntilMs.value = serverNow() + SLOW_MS);
    this.wells.onSlow = slow;
    this.alarms.onSlow = slow;
    this.state = computed(() => this.#state());
  }

  start(): void {
    const forget = this.socket.link.subscribe((link) => {
      if (link.phase === "open") this.#wasOpen.value = true;
    });
    const stopClock = everySecond(() => {
      if (this.#slowUntilMs.peek() > 0) this.#nowMs.value = serverNow();
      this.#measureLag();
    });
    this.#stop = () => {
      forget();
      stopClock();
    };
    this.socket.start();
  }

  stop(): void {
    this.#stop();
    this.socket.stop();
  }

  /** Connects at once, where it waits. */
  tryNow(): void {
    this.socket.tryNow();
  }

  /** Now by the gateway's clock [epoch ms]. */
  serverNow(): number {
    return serverNow();
  }

  #state(): LiveStateNow {
    const { phase, sinceMs, nextTryMs, why } = this.socket.link.value;
    const now = (kind: LiveStateNow["kind"]): LiveStateNow => ({ kind, sinceMs, nextTryMs, why });
    if (phase === "signed-out") return now("signed-out");
    if (phase !== "open") {
      // a page that was just opened connects; it has lost nothing yet
      return now(!this.#wasOpen.value && phase === "connecting" && why === null ? "connecting" : "offline");
    }
    if (this.wells.catchingUp.value) return now("catching-up");
    return now(this.#slowUntilMs.value > this.#nowMs.value ? "slow" : "live");
  }

  #measureLag(): void {
    const newest = [this.wells.newestMs, this.overview.newestMs].filter((ms) => !Number.isNaN(ms));
    const isKnown = this.socket.isOpen && newest.length > 0;
    this.lagMs.value = isKnown ? Math.max(0, serverNow() - Math.max(...newest)) : null;
  }
}

let started: Live | null = null;

/** Begins; once, after somebody has signed in. A second call ends the first one's connection. */
export function startLive(options: LiveOptions): Live {
  started?.stop();
  started = new Live(options);
  started.start();
  return started;
}

/** What was begun. Throws where nothing was: a page is only drawn after it. */
export function live(): Live {
  if (started === null) throw new Error("startLive has not been called yet");
  return started;
}

/** Ends it, at sign-out. */
export function stopLive(): void {
  started?.stop();
  started = null;
}
