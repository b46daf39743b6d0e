import { type Signal, signal } from "@preact/signals";
import { type WorstTag, isConnected } from "../model/attention.ts";
import { type Presented, present } from "../model/present.ts";
import { isSilence } from "../model/quality.ts";
import { msOf } from "../model/times.ts";
import type { Client } from "../rest/client.ts";
import { ProblemError } from "../rest/problem.ts";
import type { OverviewWell, TagFacts } from "../rest/types/wells.ts";
import { serverNow } from "./clock.ts";
import { type Stop, everySecond, inFrame, notInFrame } from "./frame-loop.ts";
import { Holders } from "./holders.ts";
import type { LiveValue, QualityCounts, ServerMessages, WellStatus } from "./messages.ts";
import type { Socket } from "./socket.ts";

const KEY = "overview";
const REVISION_MS = 1_000;
const TRY_AGAIN_MS = 5_000;

/** A well's row as it is now. */
export interface OverviewRow {
  wellId: string;
  /** Of the key tags, in the order of OverviewWell.keys. */
  values: (LiveValue | null)[];
  /** The value before the present silence of each key tag. */
  lastKnown: ({ value: number; tMs: number } | null)[];
  counts: QualityCounts;
  worst: WorstTag | null;
  connections: readonly WellStatus[];
}

/** All wells with their key values, while somebody looks. Values are told to watchers in frames. */
export class Overview {
  /** What is known of the wells besides their values; null before the first answer. */
  readonly wells: Signal<readonly OverviewWell[] | null> = signal(null);
  /** Goes up when values, qualities or states changed, at most once a second: sort again. */
  readonly revision: Signal<number> = signal(0);
  readonly asOf: Signal<string | null> = signal(null);
  readonly problem: Signal<ProblemError | null> = signal(null);
  /** Source time of the newest reading [ms]; NaN: none yet. */
  newestMs = Number.NaN;

  readonly #socket: Socket;
  readonly #client: Client;
  readonly #holders: Holders;
  readonly #rows = new Map<string, OverviewRow>();
  readonly #keys = new Map<string, readonly TagFacts[]>();
  readonly #watchers = new Map<string, Set<() => void>>();
  #revised: ReturnType<typeof setTimeout> | undefined;
  #again: ReturnType<typeof setTimeout> | undefined;
  #loading: Promise<void> | null = null;

  constructor(socket: Socket, client: Client) {
    this.#socket = socket;
    this.#client = client;
    this.#holders = new Holders(
      () => {
        socket.want(KEY, { type: "subscribe-overview" });
        void this.load();
      },
      () => {
        clearTimeout(this.#again);
        socket.drop(KEY, { type: "unsubscribe-overview" });
      },
    );
    socket.on("overview", (message) => this.#begin(message));
    socket.on("overview-changes", (message) => this.#change(message));
  }

  hold(): Stop {
    return this.#holders.hold();
  }

  /** The row of a well; null before the first word of it. */
  row(wellId: string): OverviewRow | null {
    return this.#rows.get(wellId) ?? null;
  }

  /** What is shown of a key tag now. */
  shown(wellId: string, keyIndex: number): Presented {
    const tag = this.#keys.get(wellId)?.[keyIndex] ?? null;
    const row = this.#rows.get(wellId);
    const value = row?.values[keyIndex] ?? null;
    const isOffline = !this.#socket.isOpen;
    if (tag === null || row === undefined || value === null) {
      return present(null, tag, { connected: true, offline: isOffline });
    }
    const nowMs = serverNow();
    const known = row.lastKnown[keyIndex] ?? null;
    const given = {
      value: value[0],
      quality: value[1],
      reason: value[2],
      ageMs: nowMs - msOf(value[3]),
      lastKnown: known === null ? null : { value: known.value, ageMs: nowMs - known.tMs },
    };
    const status = row.connections.find((one) => one.connectionId === tag.connectionId);
    const connected = status === undefined ? row.connections.some(isConnected) : isConnected(status);
    return present(given, tag, { connected, offline: isOffline });
  }

  /** Calls in a frame: at once, when the row changed, and once a second since it grows old. */
  watchRow(wellId: string, tell: (row: OverviewRow | null) => void): Stop {
    const run = () => tell(this.row(wellId));
    const soon = () => inFrame(run);
    let watchers = this.#watchers.get(wellId);
    if (watchers === undefined) this.#watchers.set(wellId, (watchers = new Set()));
    watchers.add(soon);
    const stops = [this.#socket.link.subscribe(soon), everySecond(run)];
    soon();
    return () => {
      watchers.delete(soon);
      notInFrame(run);
      for (const stop of stops) stop();
    };
  }

  /** Asks REST for the wells. A failure stands in `problem`, and is tried again while held. */
  load(): Promise<void> {
    this.#loading ??= this.#load().finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #load(): Promise<void> {
    clearTimeout(this.#again);
    try {
      const answer = await this.#client.overview();
      this.#keys.clear();
      for (const well of answer.wells) this.#keys.set(well.wellId, well.keys);
      this.wells.value = answer.wells;
      this.problem.value = null;
      for (const wellId of this.#watchers.keys()) this.#tell(wellId);
      this.#revise();
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      this.problem.value = error;
      if (this.#holders.isHeld) {
        this.#again = setTimeout(() => void this.load(), TRY_AGAIN_MS);
      }
    }
  }

  #begin(message: ServerMessages["overview"]): void {
    this.#socket.met(KEY);
    this.asOf.value = message.asOf;
    const before = new Map(this.#rows);
    this.#rows.clear();
    for (const told of message.wells) {
      const known = before.get(told.wellId);
      const lastKnown = told.values.map((value, at) =>
        knownBefore(value, known?.values[at] ?? null, known?.lastKnown[at] ?? null),
      );
      this.#rows.set(told.wellId, { ...told, lastKnown });
      for (const value of told.values) this.#note(value);
    }
    for (const wellId of this.#watchers.keys()) this.#tell(wellId);
    if (message.resumed || !this.#isSame(message)) void this.load();
    this.#revise();
  }

  #change(message: ServerMessages["overview-changes"]): void {
    this.asOf.value = message.asOf;
    for (const told of message.wells) {
      const row = this.#rows.get(told.wellId);
      if (row === undefined) continue; // a fresh overview follows
      for (const [index, value] of Object.entries(told.values ?? {})) {
        const at = Number(index);
        row.lastKnown[at] = knownBefore(value, row.values[at] ?? null, row.lastKnown[at] ?? null);
        row.values[at] = value;
        this.#note(value);
      }
      if (told.counts !== undefined) row.counts = told.counts;
      if (told.worst !== undefined) row.worst = told.worst;
      if (told.connections !== undefined) row.connections = told.connections;
      this.#tell(told.wellId);
    }
    this.#revise();
  }

  /** Whether the wells are those that REST told of. */
  #isSame(message: ServerMessages["overview"]): boolean {
    return (
      message.wells.length === this.#keys.size &&
      message.wells.every((one) => this.#keys.get(one.wellId)?.length === one.values.length)
    );
  }

  #note(value: LiveValue | null): void {
    if (value === null) return;
    const ms = msOf(value[3]);
    if (ms <= serverNow() && !(ms <= this.newestMs)) this.newestMs = ms;
  }

  #tell(wellId: string): void {
    for (const tell of this.#watchers.get(wellId) ?? []) tell();
  }

  #revise(): void {
    this.#revised ??= setTimeout(() => {
      this.#revised = undefined;
      this.revision.value += 1;
    }, REVISION_MS / 2);
  }
}

function knownBefore(
  value: LiveValue | null,
  before: LiveValue | null,
  known: { value: number; tMs: number } | null,
): { value: number; tMs: number } | null {
  if (value === null || !isSilence(value[1], value[2], value[0])) return null;
  if (before === null || before[0] === null || before[1] === "BAD") return known;
  return { value: before[0], tMs: msOf(before[3]) };
}
