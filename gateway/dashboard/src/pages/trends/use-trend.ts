import { useLocation } from "preact-iso";
import { useEffect, useMemo, useRef } from "preact/hooks";
import { tenant } from "../../frame/gateway.ts";
import { agreed, usePageZone, wellZones } from "../../frame/zone.ts";
import { serverNow } from "../../live/clock.ts";
import { live } from "../../live/live.ts";
import { DEFAULT_RANGE_MS, type TrendView, trendLink, trendView } from "../../model/links.ts";
import { screenZone } from "../../model/times.ts";
import { Board } from "./board.ts";
import { LONGEST_MS, type Span, moved, zoomed } from "./ranges.ts";
import { keepRecent } from "./recent.ts";

export interface Trend {
  board: Board;
  view: TrendView;
  /** Goes to another view of it; the address has all of it. */
  change: (to: Partial<TrendView>) => void;
  go: (span: Span) => void;
  /** To the range before this one. */
  back: () => void;
  length: (ms: number) => void;
  move: (share: number) => void;
  zoom: (factor: number) => void;
  follow: () => void;
}

/** The view in the address, and the board that shows it. */
export function useTrend(): Trend {
  const { url, route } = useLocation();
  const search = url.includes("?") ? url.slice(url.indexOf("?")) : "";
  const board = useMemo(() => new Board(), []);
  const before = useRef<Pick<TrendView, "fromMs" | "toMs" | "liveMs">[]>([]);
  const wells = live().overview.wells.value;
  const first = useMemo(() => trendView(search, serverNow(), "UTC"), [search]);
  const own = (wells ?? []).filter(({ wellId }) => first.pens.some((pen) => pen.wellId === wellId));
  const usual = agreed(own.map((one) => one.timeZone)) ?? agreed(wellZones.value) ?? screenZone();
  const view = useMemo(() => trendView(search, serverNow(), usual), [search, usual]);
  usePageZone(view.zone);

  useEffect(() => {
    board.start();
    return () => board.stop();
  }, []);
  useEffect(() => {
    if (view.pens.length > 0) board.show(view);
    keepRecent(tenant.peek(), view.pens);
  }, [view]);

  const change = (to: Partial<TrendView>) => route(trendLink({ ...view, ...to }), true);
  const go = (span: Span) => {
    before.current = [...before.current.slice(-50), view];
    change({ ...span, liveMs: null });
  };
  const spanNow = () => board.spanOf(view);
  return {
    board,
    view,
    change,
    go,
    back: () => {
      const last = before.current.pop();
      if (last !== undefined) change({ fromMs: last.fromMs, toMs: last.toMs, liveMs: last.liveMs });
    },
    length: (ms) => {
      before.current = [...before.current.slice(-50), view];
      if (view.liveMs !== null) change({ liveMs: ms });
      else change({ fromMs: view.toMs - ms });
    },
    move: (share) => go(moved(spanNow(), share, serverNow())),
    zoom: (factor) => {
      const span = spanNow();
      const atMs = board.cursorMs.peek();
      const isIn = atMs !== null && atMs >= span.fromMs && atMs <= span.toMs;
      // without a cursor, what moves with the time goes on doing so
      if (view.liveMs !== null && !isIn) {
        change({ liveMs: Math.round(Math.min(Math.max(view.liveMs * factor, 60_000), LONGEST_MS) / 1000) * 1000 });
      } else go(zoomed(span, isIn ? atMs : (span.fromMs + span.toMs) / 2, factor, serverNow()));
    },
    follow: () => change({ liveMs: view.liveMs ?? Math.min(view.toMs - view.fromMs, LONGEST_MS) ?? DEFAULT_RANGE_MS }),
  };
}
