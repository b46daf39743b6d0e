import { type Signal, signal } from "@preact/signals";
import type { Presented } from "../model/present.ts";
import type { Client } from "../rest/client.ts";
import type { LivePoint } from "../model/merge.ts";
import type { TagFacts } from "../rest/types/wells.ts";
import { serverNow } from "./clock.ts";
import { type Stop, everySecond, inFrame, notInFrame } from "./frame-loop.ts";
import { Holders } from "./holders.ts";
import type { Socket } from "./socket.ts";
import { type Cell, type HoleNotice, WellFeed } from "./well-feed.ts";

const HEAL_LOOK_MS = 2_000;
const HEAL_LOOK_MOST_MS = 15_000;
const SPARED_MS = 5_000;
const POINTS_MAX = 50_000;

interface Held {
  feed: WellFeed;
  holders: Holders;
  healing: ReturnType<typeof setTimeout> | undefined;
}

/** What came live of some tags since it was begun, to be put behind history. */
export interface Recorder {
  points(tagName: string): readonly LivePoint[];
  /** Forgets what is older; history has it now. */
  forgetBefore(ms: number): void;
  stop: Stop;
}

/** The wells that somebody looks at. */
export class Wells {
  /** Whether any of them is being caught up. */
  readonly catchingUp: Signal<boolean> = signal(false);
  /** When the newest message was taken by its worker [ms]; NaN: none yet. */
  newestMs = Number.NaN;
  /** Called when the gateway had to put messages together for this screen. */
  onSlow: () => void = () => undefined;

  readonly #socket: Socket;
  readonly #client: Client;
  readonly #wells = new Map<string, Held>();

  constructor(socket: Socket, client: Client) {
    this.#socket = socket;
    this.#client = client;
    this.#listen();
  }

  /** Subscribes while somebody holds it. */
  hold(wellId: string): Stop {
    return this.#held(wellId).holders.hold();
  }

  /** The well, whether it is held or not; what it has is only kept up while it is. */
  feed(wellId: string): WellFeed {
    return this.#held(wellId).feed;
  }

  /** Calls in a frame with the newest reading of a tag, now if there is one and at each change. */
  watch(wellId: string, tagName: string, tell: (cell: Cell) => void): Stop {
    const { feed } = this.#held(wellId);
    const release = this.hold(wellId);
    const run = () => {
      const cell = feed.cells.get(tagName);
      if (cell !== undefined) tell(cell);
    };
    const stop = listen(feed, tagName, () => inFrame(run));
    inFrame(run);
    return () => {
      notInFrame(run);
      stop();
      release();
    };
  }

  /**
   * Calls in a frame with what is to be shown of a tag: at once, and whenever that changes,
   * which it also does by growing old. One for each place where a value stands. turn: into the
   * unit of the tag as it is given here, where that is not the readings' own.
   */
  watchShown(
    wellId: string,
    tag: TagFacts,
    tell: (shown: Presented) => void,
    turn?: (value: number) => number,
  ): Stop {
    const { feed } = this.#held(wellId);
    const release = this.hold(wellId);
    let last = "";
    const run = () => {
      const shown = feed.shown(tag, !this.#socket.isOpen, turn);
      const gist = `${shown.mark}|${shown.words}|${shown.label}`;
      if (gist === last) return;
      last = gist;
      tell(shown);
    };
    const soon = () => inFrame(run);
    const stops = [
      listen(feed, tag.tagName, soon),
      feed.statuses.subscribe(soon),
      feed.phase.subscribe(soon),
      this.#socket.link.subscribe(soon),
      everySecond(run),
      release,
    ];
    return () => {
      notInFrame(run);
      for (const stop of stops) stop();
    };
  }

  /** Keeps every reading that comes of these tags. tell: called with each, not in a frame. */
  record(
    wellId: string,
    tagNames: readonly string[],
    tell?: (tagName: string, point: LivePoint) => void,
  ): Recorder {
    const { feed } = this.#held(wellId);
    const release = this.hold(wellId);
    const kept = new Map<string, LivePoint[]>(tagNames.map((name) => [name, []]));
    const take = (tagName: string, cell: Cell) => {
      const points = kept.get(tagName);
      if (points === undefined) return;
      const { tMs, value, quality, receivedMs, heardMs } = cell;
      const point: LivePoint = { tMs, value, quality, receivedMs, heardMs };
      points.push(point);
      if (points.length > POINTS_MAX) points.splice(0, POINTS_MAX / 10);
      tell?.(tagName, point);
    };
    feed.points.add(take);
    return {
      points: (tagName) => kept.get(tagName) ?? [],
      forgetBefore: (ms) => {
        for (const [name, points] of kept) {
          kept.set(name, points.filter((one) => one.tMs >= ms));
        }
      },
      stop: () => {
        feed.points.delete(take);
        release();
      },
    };
  }

  /** Tells when readings were missed (healed: false), and when the store has them (true). */
  onHole(wellId: string, tell: (hole: HoleNotice) => void): Stop {
    const { feed } = this.#held(wellId);
    const release = this.hold(wellId); // a well that nobody holds is forgotten, and its listeners too
    feed.holes.add(tell);
    return () => {
      feed.holes.delete(tell);
      release();
    };
  }

  #listen(): void {
    const socket = this.#socket;
    socket.on("readings", (message) => {
      const feed = this.#wells.get(message.wellId)?.feed;
      if (feed === undefined) return;
      feed.hear(message);
      if (!(feed.newestMs <= this.newestMs)) this.newestMs = feed.newestMs;
      if (feed.isCatchingUp) this.#catchUp(message.wellId);
    });
    socket.on("subscribed", (message) => {
      socket.met(keyOf(message.wellId));
      const held = this.#wells.get(message.wellId);
      if (held === undefined) return;
      held.feed.begin(message);
      if (held.feed.isCatchingUp) this.#catchUp(message.wellId);
      this.#settle();
    });
    socket.on("status", (status) => {
      const feed = this.#wells.get(status.wellId)?.feed;
      const healed = feed?.hearStatus(status);
      if (feed !== undefined && healed) this.#heal(feed, healed);
    });
    socket.on("gap", (message) => {
      const feed = this.#wells.get(message.wellId)?.feed;
      if (feed === undefined) return;
      const healed = feed.hearGap(message);
      if (healed !== null) this.#heal(feed, healed);
      this.#settle();
    });
    socket.on("conflated", (message) => {
      this.onSlow();
      const feed = this.#wells.get(message.wellId)?.feed;
      if (feed === undefined) return;
      feed.hearConflated(message);
      const fromMs = serverNow() - SPARED_MS;
      if (message.dropped > 0) {
        setTimeout(() => feed.spared(message.connectionId, fromMs), SPARED_MS);
      }
    });
    socket.on("error", (message) => {
      if (message.code !== "FORBIDDEN_WELL" || message.wellId === undefined) return;
      const held = this.#wells.get(message.wellId);
      if (held === undefined) return;
      socket.met(keyOf(message.wellId)); // asking again on this connection changes nothing
      held.feed.phase.value = "not-found";
    });
    let wasOpen = false;
    socket.link.subscribe((link) => {
      if (wasOpen && link.phase !== "open") {
        for (const { feed } of this.#wells.values()) feed.lose();
      }
      wasOpen = link.phase === "open";
    });
  }

  #held(wellId: string): Held {
    let held = this.#wells.get(wellId);
    if (held === undefined) {
      const made: Held = {
        feed: new WellFeed(wellId),
        holders: new Holders(
          () => this.#socket.want(keyOf(wellId), { type: "subscribe-well", wellIds: [wellId] }),
          () => this.#leave(wellId, made),
        ),
        healing: undefined,
      };
      this.#wells.set(wellId, (held = made));
    }
    return held;
  }

  #leave(wellId: string, held: Held): void {
    clearTimeout(held.healing);
    held.healing = undefined;
    this.#socket.drop(keyOf(wellId), { type: "unsubscribe-well", wellIds: [wellId] });
    this.#wells.delete(wellId);
    this.#settle();
  }

  #heal(feed: WellFeed, gap: Parameters<WellFeed["heal"]>[0]): void {
    feed.heal(gap);
    // a tag that is seldom read may have had its newest reading among what was missed
    this.#client.latest(feed.wellId).then(
      (answer) => feed.take(answer.readings, { stored: true, isNews: false }),
      () => undefined, // the next snapshot has it
    );
    this.#settle();
  }

  /** The gateway tells of gaps that it saw itself; those of this screen's own are looked after here. */
  #catchUp(wellId: string, waitMs: number = HEAL_LOOK_MS): void {
    const held = this.#wells.get(wellId);
    this.#settle();
    if (held === undefined || held.healing !== undefined) return;
    held.healing = setTimeout(async () => {
      try {
        if (this.#socket.isOpen) {
          const answer = await this.#client.latest(wellId);
          for (const status of answer.connections) {
            if (status.connectionId === null) continue;
            const gap = held.feed.positions.stored(status.connectionId, status.storedSeq);
            if (gap !== null) held.feed.heal(gap);
          }
          held.feed.take(answer.readings, { stored: true, isNews: false });
        }
      } catch {
        // it stays "catching up", and is tried again
      }
      held.healing = undefined;
      this.#settle();
      if (held.holders.isHeld && held.feed.isCatchingUp) {
        this.#catchUp(wellId, Math.min(waitMs * 1.5, HEAL_LOOK_MOST_MS));
      }
    }, waitMs);
  }

  #settle(): void {
    this.catchingUp.value = [...this.#wells.values()].some(({ feed }) => feed.isCatchingUp);
  }
}

function keyOf(wellId: string): string {
  return `well ${wellId}`;
}

function listen(feed: WellFeed, tagName: string, tell: () => void): Stop {
  let watchers = feed.watchers.get(tagName);
  if (watchers === undefined) feed.watchers.set(tagName, (watchers = new Set()));
  watchers.add(tell);
  return () => void watchers.delete(tell);
}
