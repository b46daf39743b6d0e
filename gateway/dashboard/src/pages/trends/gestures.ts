// Pointers on the plot: drag zooms, Shift and drag moves, two fingers pinch, one finger reads.

import { serverNow } from "../../live/clock.ts";
import { type Span, between, moved, zoomed } from "./ranges.ts";

const DRAG_PX = 6;
const WHEEL_REST_MS = 220;

export interface Acts {
  /** What is drawn now. */
  span: () => Span;
  cursor: (ms: number | null) => void;
  /** Shares of the width that are being drawn out; null: no longer. */
  select: (from: number | null, to: number) => void;
  /** Shows it without asking for readings. */
  look: (span: Span) => void;
  /** Goes there. */
  go: (span: Span) => void;
  back: () => void;
}

/** Listens on the plotting area; answers how to stop. */
export function listenToPointers(area: HTMLElement, acts: Acts): () => void {
  const down = new Map<number, number>();
  let began: { share: number; span: Span; kind: "select" | "move" | "read" | "pinch" } | null = null;
  let pinch: { aMs: number; bMs: number } | null = null;
  let looked: Span | null = null;
  let resting: ReturnType<typeof setTimeout> | undefined;

  const shareOf = (clientX: number) => {
    const box = area.getBoundingClientRect();
    return Math.min(Math.max((clientX - box.left) / box.width, 0), 1);
  };
  const momentOf = (share: number, span = acts.span()) => span.fromMs + share * (span.toMs - span.fromMs);
  const look = (span: Span) => acts.look((looked = span));

  const press = (event: PointerEvent) => {
    if ((event.target as Element).closest("a, button") !== null) return;
    if (event.button !== 0 && event.button !== 1) return;
    area.setPointerCapture(event.pointerId);
    down.set(event.pointerId, event.clientX);
    const share = shareOf(event.clientX);
    if (down.size === 2) {
      const [a = 0, b = 0] = [...down.values()];
      pinch = { aMs: momentOf(shareOf(a)), bMs: momentOf(shareOf(b)) };
      began = { share, span: acts.span(), kind: "pinch" };
      acts.cursor(null);
      return;
    }
    const isMove = event.shiftKey || event.button === 1;
    const kind = event.pointerType === "touch" ? "read" : isMove ? "move" : "select";
    began = { share, span: acts.span(), kind };
    acts.cursor(momentOf(share));
  };

  const drag = (event: PointerEvent) => {
    const share = shareOf(event.clientX);
    if (!down.has(event.pointerId)) {
      if (event.pointerType !== "touch") acts.cursor(momentOf(share));
      return;
    }
    down.set(event.pointerId, event.clientX);
    if (began === null) return;
    const { width } = area.getBoundingClientRect();
    if (began.kind === "pinch") {
      const [a = 0, b = 0] = [...down.values()];
      if (pinch === null || down.size !== 2 || Math.abs(a - b) < DRAG_PX) return;
      const [shareA, shareB] = [shareOf(a), shareOf(b)];
      const length = (pinch.bMs - pinch.aMs) / (shareB - shareA || 1);
      if (!(length > 0)) return;
      const fromMs = pinch.aMs - shareA * length;
      look(zoomed({ fromMs, toMs: fromMs + length }, pinch.aMs, 1, serverNow()));
    } else if (began.kind === "move") look(moved(began.span, began.share - share, serverNow()));
    else {
      acts.cursor(momentOf(share));
      const isFar = Math.abs(share - began.share) * width >= DRAG_PX;
      if (began.kind === "select") acts.select(isFar ? began.share : null, share);
    }
  };

  const lift = (event: PointerEvent) => {
    if (!down.delete(event.pointerId) || began === null) return;
    const { kind, share: from, span } = began;
    const share = shareOf(event.clientX);
    if (kind === "pinch" && down.size > 0) return; // the other finger is still there
    began = null;
    pinch = null;
    acts.select(null, 0);
    const isFar = Math.abs(share - from) * area.getBoundingClientRect().width >= DRAG_PX;
    if (event.type === "pointercancel") return;
    if (kind === "select" && isFar) acts.go(between(momentOf(from, span), momentOf(share, span), serverNow()));
    else if (looked !== null) acts.go(looked);
    looked = null;
  };

  const leave = (event: PointerEvent) => {
    if (event.pointerType !== "touch" && down.size === 0) acts.cursor(null);
  };

  const wheel = (event: WheelEvent) => {
    const isSideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    if (!event.ctrlKey && !event.metaKey && !isSideways) return; // the page scrolls
    event.preventDefault();
    const span = looked ?? acts.span();
    const { width } = area.getBoundingClientRect();
    const by = event.deltaX === 0 ? event.deltaY : event.deltaX;
    if (isSideways) look(moved(span, by / width, serverNow()));
    else look(zoomed(span, momentOf(shareOf(event.clientX), span), 1.0025 ** event.deltaY, serverNow()));
    clearTimeout(resting);
    resting = setTimeout(() => {
      if (looked !== null) acts.go(looked);
      looked = null;
    }, WHEEL_REST_MS);
  };

  const listening = new AbortController();
  const { signal } = listening;
  area.addEventListener("pointerdown", press, { signal });
  area.addEventListener("pointermove", drag, { signal });
  area.addEventListener("pointerup", lift, { signal });
  area.addEventListener("pointercancel", lift, { signal });
  area.addEventListener("pointerleave", leave, { signal });
  area.addEventListener("dblclick", acts.back, { signal });
  area.addEventListener("wheel", wheel, { signal, passive: false });
  return () => {
    clearTimeout(resting);
    listening.abort();
  };
}
