import { type Signal, signal } from "@preact/signals";
import { client } from "../../frame/gateway.ts";
import { serverNow } from "../../live/clock.ts";
import { type Stop, everySecond } from "../../live/frame-loop.ts";
import { live } from "../../live/live.ts";
import type { Recorder } from "../../live/readings.ts";
import { type TrendView, penText } from "../../model/links.ts";
import { DAY_MS } from "../../model/times.ts";
import type { AlarmEvent } from "../../rest/types/alarms.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { type Frame, byWell, frameOf } from "./frame-of.ts";
import type { Span } from "./ranges.ts";
import { type WellData, askWell } from "./well-data.ts";

/** A range that moves is asked anew after it has moved by this share of itself, at least. */
const MOVED_SHARE = 0.1;
const AGAIN_LEAST_MS = 60_000;
const HEALED_MS = 1_500;
export const YESTERDAY_LONGEST_MS = 7 * DAY_MS;

interface Loaded {
  view: TrendView;
  span: Span;
  wells: ReadonlyMap<string, WellData>;
}

/** What the trends page shows: what was asked, what is there of it, and what comes live. */
export class Board {
  readonly frame: Signal<Frame | null> = signal(null);
  /** A new range or pen is on its way; what is drawn is still the one before. */
  readonly isLoading: Signal<boolean> = signal(false);
  /** Where the cursor is; null: nowhere. */
  readonly cursorMs: Signal<number | null> = signal(null);
  /** Pixels between the start and the end of the range. */
  widthPx = 800;

  #view: TrendView | null = null;
  #loaded: Loaded | null = null;
  #look: Span | null = null;
  #running: AbortController | null = null;
  readonly #facts = new Map<string, Promise<WellAnswer>>();
  readonly #recorders = new Map<string, { names: string; recorder: Recorder; stops: Stop[] }>();
  #raised: AlarmEvent[] = [];
  #stops: Stop[] = [];
  #healing: ReturnType<typeof setTimeout> | undefined;

  start(): void {
    this.#stops = [
      everySecond(() => this.#tick()),
      live().alarms.onEvent((_, event) => {
        if (event?.kind === "raised") this.#raised = [...this.#raised.slice(-200), event];
      }),
    ];
  }

  stop(): void {
    clearTimeout(this.#healing);
    this.#running?.abort();
    for (const stop of this.#stops) stop();
    for (const one of this.#recorders.values()) for (const stop of one.stops) stop();
    this.#recorders.clear();
  }

  /** Shows another view as soon as its readings are there. */
  show(view: TrendView): void {
    const known = this.#view;
    this.#view = view;
    if (known === null || questionOf(known) !== questionOf(view)) void this.#load(view, true);
    else if (this.#loaded !== null && !this.isLoading.peek()) {
      this.#loaded = { ...this.#loaded, view };
      this.#draw();
    }
  }

  /** Asks for the same view again. */
  again(isQuiet = false): void {
    this.#facts.clear();
    if (this.#view !== null) void this.#load(this.#view, !isQuiet);
  }

  /** Draws what is there over another range, while it is being chosen; null: no longer. */
  look(span: Span | null): void {
    this.#look = span;
    this.#draw();
  }

  /** The range now, as it was asked for: what moves with the time has moved. */
  spanOf(view: TrendView): Span {
    if (view.liveMs === null) return { fromMs: view.fromMs, toMs: view.toMs };
    const toMs = serverNow();
    return { fromMs: toMs - view.liveMs, toMs };
  }

  async #load(view: TrendView, isLoud: boolean): Promise<void> {
    this.#running?.abort();
    const running = new AbortController();
    this.#running = running;
    const pens = byWell(view.pens);
    this.#record(view.liveMs === null ? new Map() : pens);
    if (isLoud) this.isLoading.value = true;
    const span = this.spanOf(view);
    try {
      const asked = [...pens].map(async ([wellId, tagNames]): Promise<[string, WellData]> => {
        const question = {
          wellId,
          tagNames,
          span,
          points: Math.round(Math.min(Math.max(this.widthPx, 16), 4000)),
          zone: view.zone,
          yesterday: view.yesterday && span.toMs - span.fromMs <= YESTERDAY_LONGEST_MS,
        };
        return [wellId, await askWell(client, question, this.#factsOf(wellId), running.signal)];
      });
      const wells = new Map(await Promise.all(asked));
      if (!isLoud) this.#keepKnown(wells);
      this.#loaded = { view, span, wells };
    } catch (error) {
      if (!running.signal.aborted) throw error;
      return;
    }
    this.#look = null;
    this.isLoading.value = false;
    this.#draw();
  }

  /** What was read goes on being shown where a look that nobody asked for fails. */
  #keepKnown(wells: Map<string, WellData>): void {
    for (const [wellId, now] of wells) {
      const known = this.#loaded?.wells.get(wellId);
      if (now.error !== null && known?.error === null) wells.set(wellId, known);
    }
  }

  #factsOf(wellId: string): Promise<WellAnswer> {
    const known = this.#facts.get(wellId) ?? client.well(wellId);
    this.#facts.set(wellId, known);
    known.catch(() => this.#facts.delete(wellId));
    return known;
  }

  /** Keeps what comes from before the question on, so that nothing lies between. */
  #record(wanted: Map<string, string[]>): void {
    for (const [wellId, kept] of this.#recorders) {
      if (wanted.get(wellId)?.join() === kept.names) continue;
      for (const stop of kept.stops) stop();
      this.#recorders.delete(wellId);
    }
    for (const [wellId, names] of wanted) {
      if (this.#recorders.has(wellId)) continue;
      const recorder = live().wells.record(wellId, names);
      const unheal = live().wells.onHole(wellId, (hole) => {
        if (!hole.healed) return;
        clearTimeout(this.#healing);
        this.#healing = setTimeout(() => this.again(true), HEALED_MS);
      });
      this.#recorders.set(wellId, { names: names.join(), recorder, stops: [recorder.stop, unheal] });
    }
  }

  #tick(): void {
    const loaded = this.#loaded;
    if (loaded === null || loaded.view.liveMs === null || this.isLoading.peek()) return;
    const movedMs = serverNow() - loaded.span.toMs;
    if (this.#look === null) this.#draw();
    if (movedMs > Math.max(loaded.view.liveMs * MOVED_SHARE, AGAIN_LEAST_MS)) {
      void this.#load(loaded.view, false);
    }
  }

  #draw(): void {
    const loaded = this.#loaded;
    if (loaded === null) return;
    const { view, wells } = loaded;
    const span = this.#look ?? (this.isLoading.peek() ? loaded.span : this.spanOf(view));
    this.frame.value = frameOf({
      pens: view.pens,
      wells,
      live: (pen) => this.#recorders.get(pen.wellId)?.recorder.points(pen.tagName) ?? [],
      span,
      nowMs: serverNow(),
      isLive: view.liveMs !== null,
      zone: view.zone,
      raisedSince: this.#raised,
    });
  }
}

/** Tells two views apart that need other readings. */
export function questionOf(view: TrendView): string {
  const range = view.liveMs === null ? `${view.fromMs} ${view.toMs}` : `live ${view.liveMs}`;
  const yesterday = view.yesterday ? view.zone : "";
  return [view.pens.map(penText).join("\n"), range, yesterday].join("|");
}
