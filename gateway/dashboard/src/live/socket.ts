import { type ReadonlySignal, type Signal, effect, signal } from "@preact/signals";
import { nextTry } from "./backoff.ts";
import { hearServerTime, serverNow } from "./clock.ts";
import { type Stop, report } from "./frame-loop.ts";
import type { ClientMessage, MessageType, ServerMessages } from "./messages.ts";

const LOOK_MS = 2_500;
const SILENT_MS = 10_000;
const LOST_MS = 17_000;
const SIGN_IN_LIMIT_MS = 12_000;
const ASK_AGAIN_MS = 8_000;
const ASK_AGAIN_MOST_MS = 60_000;
const WELLS_A_MESSAGE = 100;

/** How the connection is. sinceMs: from when on it was so, by the gateway's clock. */
export interface Link {
  phase: "connecting" | "open" | "waiting" | "signed-out";
  sinceMs: number;
  /** When it is tried next; null unless waiting. */
  nextTryMs: number | null;
  /** Why it is not open, as a sentence. */
  why: string | null;
}

export interface SocketOptions {
  /** Asked at each connection, since the gateway may have moved. */
  url: () => string;
  token: ReadonlySignal<string | null>;
  /** The gateway wants another token; answer by setting one, or by signing out. */
  onRefused: (sentence: string) => void;
  makeSocket?: (url: string) => WebSocket;
  /** How often it is looked whether the connection lives [ms]. */
  lookMs?: number;
}

/** Something that is wanted from the gateway for as long as this connection or a later one lasts. */
interface Wish {
  message: ClientMessage;
  sentMs: number | null;
  asked: number;
  isMet: boolean;
}

/**
 * The one WebSocket of this screen: it signs in, stays signed in, comes back by itself, and asks
 * again for everything that is wanted.
 */
export class Socket {
  readonly link: Signal<Link> = signal({
    phase: "connecting",
    sinceMs: serverNow(),
    nextTryMs: null,
    why: null,
  });
  /** Who the gateway takes this screen for. */
  readonly who: Signal<ServerMessages["connected"] | null> = signal(null);

  readonly #options: SocketOptions;
  readonly #handlers = new Map<string, Set<(message: never) => void>>();
  readonly #openers = new Set<() => void>();
  readonly #wishes = new Map<string, Wish>();
  readonly #stops: Stop[] = [];
  #socket: WebSocket | null = null;
  #tried = 0;
  #heardMs = 0;
  #begunMs = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;
  #isFlushing = false;
  #lostMs: number | null = null;

  constructor(options: SocketOptions) {
    this.#options = options;
  }

  /** Connects, and stays so until stop. */
  start(): void {
    let last: string | null | undefined;
    this.#stops.push(
      effect(() => {
        const token = this.#options.token.value;
        if (token === last) return;
        last = token;
        queueMicrotask(() => this.#useToken(token));
      }),
    );
    const timer = setInterval(() => this.#look(), this.#options.lookMs ?? LOOK_MS);
    this.#stops.push(() => clearInterval(timer));
    if (typeof window !== "undefined") {
      const now = () => this.tryNow();
      const look = () => this.#look();
      window.addEventListener("online", now);
      window.addEventListener("offline", look);
      document.addEventListener("visibilitychange", look);
      this.#stops.push(() => {
        window.removeEventListener("online", now);
        window.removeEventListener("offline", look);
        document.removeEventListener("visibilitychange", look);
      });
    }
  }

  stop(): void {
    for (const stop of this.#stops.splice(0)) stop();
    clearTimeout(this.#retry);
    this.#leave();
  }

  get isOpen(): boolean {
    return this.link.peek().phase === "open";
  }

  /** Tries at once where it waits; where it is open, asks whether it still is. */
  tryNow(): void {
    if (this.link.peek().phase === "waiting") this.#connect();
    else this.#probe();
  }

  /** Calls the handler with each message of a type. */
  on<T extends MessageType>(type: T, handler: (message: ServerMessages[T]) => void): Stop {
    let handlers = this.#handlers.get(type);
    if (handlers === undefined) this.#handlers.set(type, (handlers = new Set()));
    handlers.add(handler as (message: never) => void);
    return () => void handlers.delete(handler as (message: never) => void);
  }

  /** Calls it each time a new connection is signed in, before anything is asked for again. */
  onOpen(handler: () => void): Stop {
    this.#openers.add(handler);
    return () => void this.#openers.delete(handler);
  }

  /** Asks for something now, and again on each new connection, until it is dropped. */
  want(key: string, message: ClientMessage): void {
    this.#wishes.set(key, { message, sentMs: null, asked: 0, isMet: false });
    this.#flushSoon();
  }

  /** It was answered. What is not answered in time is asked for again. */
  met(key: string): void {
    const wish = this.#wishes.get(key);
    if (wish !== undefined) wish.isMet = true;
  }

  /** Wants it no more. goodbye: what to tell the gateway, if it is there. */
  drop(key: string, goodbye: ClientMessage | null): void {
    if (this.#wishes.delete(key) && goodbye !== null) this.#send(goodbye);
  }

  /** Asks once more for everything of which the answer cannot be continued. */
  again(key: string): void {
    const wish = this.#wishes.get(key);
    if (wish === undefined) return;
    Object.assign(wish, { sentMs: null, isMet: false });
    this.#flushSoon();
  }

  #useToken(token: string | null): void {
    if (token === null) {
      this.#leave();
      clearTimeout(this.#retry);
      this.who.value = null;
      this.#tell({ phase: "signed-out", nextTryMs: null, why: null });
    } else if (this.isOpen) {
      this.#send({ type: "auth", token });
    } else {
      this.#tried = 0;
      this.#connect();
    }
  }

  #connect(): void {
    clearTimeout(this.#retry);
    this.#leave();
    if (this.#options.token.peek() === null) return;
    this.#tell({ phase: "connecting", nextTryMs: null, why: this.link.peek().why });
    this.#begunMs = Date.now();
    let socket: WebSocket;
    try {
      const make = this.#options.makeSocket ?? ((url: string) => new WebSocket(url));
      socket = make(this.#options.url());
    } catch {
      this.#lost(1006);
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      const token = this.#options.token.peek();
      if (token !== null) this.#send({ type: "auth", token });
    };
    socket.onmessage = (event) => this.#hear(String(event.data));
    socket.onclose = (event) => this.#lost(event.code);
  }

  /** Lets go of the socket, so that nothing of it is heard any more. */
  #leave(): void {
    const socket = this.#socket;
    this.#socket = null;
    if (socket === null) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    socket.onerror = () => undefined;
    try {
      socket.close(1000);
    } catch {
      // it was not open yet
    }
  }

  #lost(code: number): void {
    this.#leave();
    const next = nextTry(code, this.#tried, Math.random());
    this.#tried += 1;
    if (next.kind === "sign-in") {
      this.#tell({ phase: "signed-out", nextTryMs: null, why: next.why });
      this.#options.onRefused(next.why);
      return;
    }
    this.#tell({ phase: "waiting", nextTryMs: serverNow() + next.ms, why: whyOf(code) });
    this.#retry = setTimeout(() => this.#connect(), next.ms);
  }

  #tell(link: Omit<Link, "sinceMs">): void {
    const before = this.link.peek();
    // trying again does not begin the outage anew
    if (link.phase === "open") this.#lostMs = null;
    else if (before.phase === "open" || this.#lostMs === null) this.#lostMs = serverNow();
    this.link.value = { ...link, sinceMs: this.#lostMs ?? serverNow() };
  }

  #hear(text: string): void {
    this.#heardMs = Date.now();
    let message: { type: MessageType };
    try {
      message = JSON.parse(text) as { type: MessageType };
    } catch {
      return; // the gateway writes JSON alone
    }
    if (message.type === "connected") this.#signedIn(message as never);
    else if (message.type === "error") this.#refused(message as never);
    for (const handler of this.#handlers.get(message.type) ?? []) {
      try {
        handler(message as never);
      } catch (error) {
        report(error);
      }
    }
  }

  #signedIn(message: ServerMessages["connected"]): void {
    hearServerTime(message.serverTime);
    const isNew = !this.isOpen;
    this.who.value = message;
    if (!isNew) return;
    this.#tried = 0;
    this.#tell({ phase: "open", nextTryMs: null, why: null });
    for (const wish of this.#wishes.values()) Object.assign(wish, { sentMs: null, isMet: false });
    for (const opener of this.#openers) opener();
    this.#flushSoon();
  }

  #refused(message: ServerMessages["error"]): void {
    if (message.code === "AUTH_FAILED" && this.isOpen) {
      this.#tried = 0;
      this.#connect(); // the new token is of another person: that takes another connection
    } else if (message.code === "RATE_LIMITED") {
      const waitMs = (message.retryAfterS ?? 1) * 1000 + 250;
      setTimeout(() => this.#askAgain(0), waitMs);
    }
  }

  /** Looks whether the connection is alive, and whether everything was answered. */
  #look(): void {
    const phase = this.link.peek().phase;
    const nowMs = Date.now();
    if (phase === "connecting" && nowMs - this.#begunMs > SIGN_IN_LIMIT_MS) this.#lost(1006);
    if (phase !== "open") return;
    const silentMs = nowMs - this.#heardMs;
    if (silentMs > LOST_MS) this.#lost(1006);
    else if (silentMs > SILENT_MS) this.#probe();
    this.#askAgain(ASK_AGAIN_MS);
  }

  /** Its answer shows that the connection lives. */
  #probe(): void {
    if (this.isOpen) this.#send({ type: "getStats" });
  }

  #askAgain(afterMs: number): void {
    const nowMs = Date.now();
    let isDue = false;
    for (const wish of this.#wishes.values()) {
      if (wish.isMet || wish.sentMs === null) continue;
      const waitMs = afterMs && Math.min(afterMs * 2 ** (wish.asked - 1), ASK_AGAIN_MOST_MS);
      if (nowMs - wish.sentMs < waitMs) continue;
      wish.sentMs = null;
      isDue = true;
    }
    if (isDue) this.#flushSoon();
  }

  /** All that is wanted in one turn goes together: many wells are one message. */
  #flushSoon(): void {
    if (this.#isFlushing || !this.isOpen) return;
    this.#isFlushing = true;
    queueMicrotask(() => {
      this.#isFlushing = false;
      if (this.isOpen) this.#flush();
    });
  }

  #flush(): void {
    const wells: string[] = [];
    for (const wish of this.#wishes.values()) {
      if (wish.isMet || wish.sentMs !== null) continue;
      wish.sentMs = Date.now();
      wish.asked += 1;
      if (wish.message.type === "subscribe-well") wells.push(...wish.message.wellIds);
      else this.#send(wish.message);
    }
    for (let at = 0; at < wells.length; at += WELLS_A_MESSAGE) {
      this.#send({ type: "subscribe-well", wellIds: wells.slice(at, at + WELLS_A_MESSAGE) });
    }
  }

  #send(message: ClientMessage): void {
    const socket = this.#socket;
    if (socket === null || socket.readyState !== 1) return;
    socket.send(JSON.stringify(message));
  }
}

function whyOf(code: number): string {
  switch (code) {
    case 1001:
      return "The gateway is restarting.";
    case 1013:
      return "The gateway has too many screens open now, or this one asked too often.";
    case 4008:
      return "This screen could not keep up with its values.";
    default:
      return "The gateway cannot be reached.";
  }
}
