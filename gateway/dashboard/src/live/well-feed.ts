import { type Signal, signal } from "@preact/signals";
import { isConnected } from "../model/attention.ts";
import { type Gap, Positions } from "../model/positions.ts";
import { type Given, type Presented, type TagView, present } from "../model/present.ts";
import { asQuality, isSilence } from "../model/quality.ts";
import { msOf } from "../model/times.ts";
import type { ConnectionStatus } from "../rest/types/connections.ts";
import type { Quality, Reading } from "../rest/types/readings.ts";
import type { TagFacts } from "../rest/types/wells.ts";
import { serverNow } from "./clock.ts";
import type { ServerMessages } from "./messages.ts";

/** What is known of one tag: its newest reading. */
export interface Cell {
  value: number | null;
  quality: Quality;
  reason: string | null;
  timestamp: string;
  tMs: number;
  /** When its worker got it, where that was told; else as heardMs. */
  receivedMs: number;
  /** When this screen got it, by the gateway's clock. */
  heardMs: number;
  stored: boolean;
  /** The value before the present silence. */
  lastKnown: { value: number; tMs: number } | null;
}

export type WellPhase = "loading" | "live" | "catching-up" | "not-found";

/** Readings were missed: shown as "catching up" until healed. */
export interface HoleNotice {
  wellId: string;
  connectionId: string;
  fromMs: number;
  toMs: number;
  healed: boolean;
}

/** How readings came. isNews: they are new, and no snapshot. */
interface Taken {
  stored: boolean;
  isNews: boolean;
  receivedMs?: number;
}

type CellWatcher = (cell: Cell) => void;
type PointWatcher = (tagName: string, cell: Cell) => void;

/** One well as the feed has it. Values are told to watchers, not to signals: they are too many. */
export class WellFeed {
  readonly wellId: string;
  readonly phase: Signal<WellPhase> = signal("loading");
  readonly statuses: Signal<readonly ConnectionStatus[]> = signal([]);
  /** feed; database: the last that was stored, the feed is down; none. */
  readonly source: Signal<"feed" | "database" | "none"> = signal("none");
  readonly positions = new Positions();
  readonly cells = new Map<string, Cell>();
  readonly watchers = new Map<string, Set<CellWatcher>>();
  readonly points = new Set<PointWatcher>();
  readonly holes = new Set<(hole: HoleNotice) => void>();
  /** From when on a connection's readings may be missing [ms]. */
  readonly #missingSince = new Map<string, number>();
  #newestMs = Number.NaN;

  constructor(wellId: string) {
    this.wellId = wellId;
  }

  get isCatchingUp(): boolean {
    return this.phase.peek() === "catching-up";
  }

  /** The tags of which anything was heard. */
  get tagNames(): string[] {
    return [...this.cells.keys()];
  }

  /**
   * What is shown of a tag now. offline: the screen has lost the gateway. turn: into the unit that
   * tag is given in here, where that is not the readings' own.
   */
  shown(
    tag: TagFacts | (TagView & { tagName: string; connectionId: string }),
    offline: boolean,
    turn?: (value: number) => number,
  ): Presented {
    const cell = this.cells.get(tag.tagName) ?? null;
    const given = cell === null ? null : givenOf(cell, serverNow());
    return present(given === null || turn === undefined ? given : turned(given, turn), tag, {
      connected: this.isConnected(tag.connectionId),
      offline,
      catchingUp: this.positions.gaps.some((gap) => gap.connectionId === tag.connectionId),
    });
  }

  /** Whether the readings of a connection are the present ones. */
  isConnected(connectionId: string): boolean {
    const statuses = this.statuses.peek();
    const lost = statuses.find((one) => one.connectionId === null);
    if (lost !== undefined) return isConnected(lost);
    const status = statuses.find((one) => one.connectionId === connectionId);
    // its status follows the snapshot at once; until then the feed itself is the best word
    return status === undefined ? this.source.peek() === "feed" : isConnected(status);
  }

  /** Takes a snapshot in. Answers the gaps since the last message that this screen saw. */
  begin(message: ServerMessages["subscribed"]): Gap[] {
    const missed = this.positions.snapshot(message.positions);
    this.source.value = message.source;
    if (message.source !== "feed") this.statuses.value = [];
    for (const gap of missed) this.#notice(gap);
    const open = new Set(this.positions.gaps.map((gap) => gap.connectionId));
    for (const connectionId of this.#missingSince.keys()) {
      if (!open.has(connectionId)) this.#missingSince.delete(connectionId);
    }
    this.take(message.latest, { stored: true, isNews: false });
    this.settle();
    return missed;
  }

  /** Takes a message of the feed in. */
  hear(message: ServerMessages["readings"]): void {
    const step = this.positions.message(
      message.connectionId,
      message.epoch,
      message.seq,
      message.prev,
    );
    if (step.gap !== null) this.#notice(step.gap);
    if (step.show) {
      this.#newestMs = msOf(message.receivedAt);
      const about = { stored: message.stored !== false, isNews: true, receivedMs: this.#newestMs };
      this.take(message.readings, about);
    }
    if (step.gap !== null) this.settle();
  }

  /** Takes what was put together for a slow screen. */
  hearConflated(message: ServerMessages["conflated"]): void {
    if (!this.positions.conflated(message.connectionId, message.epoch, message.seq)) return;
    this.take(message.readings, { stored: true, isNews: true });
  }

  /** Takes readings in; each tag shows the one with the newest time. */
  take(readings: readonly Reading[], about: Taken): void {
    const heardMs = serverNow();
    const arrival = { heardMs, receivedMs: about.receivedMs ?? heardMs, stored: about.stored };
    for (const reading of readings) {
      const known = this.cells.get(reading.tagName);
      const cell = cellOf(reading, known, arrival);
      if (about.isNews) for (const tell of this.points) tell(reading.tagName, cell);
      if (known !== undefined && reading.timestamp < known.timestamp) continue;
      this.cells.set(reading.tagName, cell);
      for (const tell of this.watchers.get(reading.tagName) ?? []) tell(cell);
    }
  }

  /** How a connection is. Answers the gap that this heals. */
  hearStatus(status: ConnectionStatus): Gap | null {
    const others = this.statuses
      .peek()
      .filter((one) => one.connectionId !== status.connectionId && one.connectionId !== null);
    this.statuses.value = status.connectionId === null ? [status] : [...others, status];
    if (status.connectionId === null) return null;
    return this.positions.stored(status.connectionId, status.storedSeq);
  }

  /** The gateway tells of a gap, or that it is healed. */
  hearGap(message: ServerMessages["gap"]): Gap | null {
    if (message.healed) {
      const healed = this.positions.healed(message.connectionId);
      return healed ?? { ...message };
    }
    const { connectionId, epoch, from, to } = message;
    this.#notice(this.positions.told({ connectionId, epoch, from, to }));
    this.settle();
    return null;
  }

  /** A gap is healed: whoever draws history fetches it. */
  heal(gap: Gap): void {
    const fromMs = this.#missingSince.get(gap.connectionId) ?? serverNow();
    this.#missingSince.delete(gap.connectionId);
    this.#tellHole(gap.connectionId, fromMs, true);
    this.settle();
  }

  /** Readings that a slow screen was spared are in the database alone: they are fetched, too. */
  spared(connectionId: string, fromMs: number): void {
    this.#tellHole(connectionId, fromMs, true);
  }

  /** The connection to the gateway is gone: from here on anything may be missed. */
  lose(): void {
    for (const connectionId of Object.keys(this.positions.current)) {
      this.#markMissing(connectionId);
    }
  }

  /** live or catching-up, as gaps are. */
  settle(): void {
    this.phase.value = this.positions.gaps.length > 0 ? "catching-up" : "live";
  }

  /** When the newest message was taken by its worker [ms]; NaN before the first. */
  get newestMs(): number {
    return this.#newestMs;
  }

  #notice(gap: Gap): void {
    this.#markMissing(gap.connectionId);
    const fromMs = this.#missingSince.get(gap.connectionId) as number;
    this.#tellHole(gap.connectionId, fromMs, false);
  }

  #markMissing(connectionId: string): void {
    if (this.#missingSince.has(connectionId)) return;
    let newestMs = -Infinity;
    for (const cell of this.cells.values()) newestMs = Math.max(newestMs, cell.heardMs);
    this.#missingSince.set(connectionId, Number.isFinite(newestMs) ? newestMs : serverNow());
  }

  #tellHole(connectionId: string, fromMs: number, healed: boolean): void {
    const hole = { wellId: this.wellId, connectionId, fromMs, toMs: serverNow(), healed };
    for (const tell of this.holes) tell(hole);
  }
}

/** A cell as present() takes it. */
export function givenOf(cell: Cell, nowMs: number): Given {
  return {
    value: cell.value,
    quality: cell.quality,
    reason: cell.reason,
    ageMs: nowMs - cell.tMs,
    unheardMs: nowMs - cell.heardMs,
    stored: cell.stored,
    lastKnown:
      cell.lastKnown === null
        ? null
        : { value: cell.lastKnown.value, ageMs: nowMs - cell.lastKnown.tMs },
  };
}

function turned(given: Given, turn: (value: number) => number): Given {
  const { value, lastKnown } = given;
  return {
    ...given,
    value: value === null ? null : turn(value),
    lastKnown: lastKnown ? { ...lastKnown, value: turn(lastKnown.value) } : null,
  };
}

function cellOf(
  reading: Reading,
  known: Cell | undefined,
  arrival: Pick<Cell, "heardMs" | "receivedMs" | "stored">,
): Cell {
  const quality = asQuality(reading.quality);
  const isSilent = isSilence(quality, reading.reason, reading.value);
  let lastKnown: Cell["lastKnown"] = null;
  if (isSilent && known !== undefined) {
    lastKnown =
      known.value === null || known.quality === "BAD"
        ? known.lastKnown
        : { value: known.value, tMs: known.tMs };
  }
  return {
    value: reading.value,
    quality,
    reason: reading.reason,
    timestamp: reading.timestamp,
    tMs: msOf(reading.timestamp),
    ...arrival,
    lastKnown,
  };
}
