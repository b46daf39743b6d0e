import { useLayoutEffect, useRef } from "preact/hooks";
import { clockText, dayText, offsetText } from "../../model/times.ts";
import type { Board } from "./board.ts";
import { valueAt } from "./cursor-values.ts";
import { columnAt } from "./curves.ts";
import type { Frame } from "./frame-of.ts";
import type { TrendLaneProps } from "./TrendLane.tsx";

/** The cursor's line, its dots and its time; a slider for those who do not see it. */
export function CursorReadout({ board, charts }: { board: Board; charts: TrendLaneProps["charts"] }) {
  const line = useRef<HTMLDivElement>(null);
  const chip = useRef<HTMLSpanElement>(null);
  const dots = useRef<HTMLDivElement>(null);

  useLayoutEffect(() => {
    const draw = () => {
      const [frame, atMs] = [board.frame.peek(), board.cursorMs.peek()];
      const [element, label, marks] = [line.current, chip.current, dots.current];
      if (frame === null || element === null || label === null || marks === null) return;
      const { fromMs, toMs } = frame.span;
      const isShown = atMs !== null && atMs >= fromMs && atMs <= toMs;
      element.classList.toggle("is-on", isShown);
      marks.hidden = !isShown;
      const shownMs = isShown ? atMs : toMs;
      const width = element.parentElement?.clientWidth ?? 0;
      const x = ((shownMs - fromMs) / (toMs - fromMs)) * width;
      element.style.transform = `translateX(${x}px)`;
      const day = toMs - fromMs > 20 * 3_600_000 ? `${dayText(shownMs, frame.zone).slice(4)} ` : "";
      label.textContent = `${day}${clockText(shownMs, frame.zone)} ${offsetText(shownMs, frame.zone)}`;
      const half = label.offsetWidth / 2;
      label.style.transform = `translateX(${Math.max(-x, Math.min(-half, width - x - 2 * half))}px)`;
      element.setAttribute("aria-valuemin", String(Math.round(fromMs / 1000)));
      element.setAttribute("aria-valuemax", String(Math.round(toMs / 1000)));
      element.setAttribute("aria-valuenow", String(Math.round(shownMs / 1000)));
      element.setAttribute("aria-valuetext", `${label.textContent}${isShown ? said(frame, shownMs) : ""}`);
      if (isShown) placeDots(marks, frame, shownMs, x, charts);
    };
    const stops = [board.frame.subscribe(draw), board.cursorMs.subscribe(draw)];
    return () => {
      for (const stop of stops) stop();
    };
  }, [board]);

  return (
    <>
      <div ref={dots} class="tdots" hidden aria-hidden="true" />
      <div
        ref={line}
        class="tcur"
        role="slider"
        tabIndex={0}
        aria-label="Time cursor"
        aria-orientation="horizontal"
        aria-valuenow={0}
      >
        <span ref={chip} class="tchip" />
      </div>
    </>
  );
}

function said(frame: Frame, atMs: number): string {
  return frame.pens.map((pen) => `; ${pen.title}: ${valueAt(frame, pen, atMs)?.words ?? "nothing"}`).join("");
}

function placeDots(
  host: HTMLElement,
  frame: Frame,
  atMs: number,
  x: number,
  charts: TrendLaneProps["charts"],
): void {
  while (host.children.length < frame.pens.length) host.append(document.createElement("i"));
  while (host.children.length > frame.pens.length) host.lastElementChild?.remove();
  frame.pens.forEach((pen, index) => {
    const dot = host.children[index] as HTMLElement;
    const curve = frame.curves.get(pen.key);
    const lane = frame.lanes.find((one) => one.pens.includes(pen));
    const drawn = lane === undefined ? undefined : charts.get(lane.key);
    const column = curve === undefined || pen.tag === null ? null : columnAt(curve, atMs, pen.tag);
    const value = column?.last ?? null;
    dot.hidden = value === null || drawn === undefined;
    if (value === null || drawn === undefined) return;
    dot.className = `hue${pen.look.hue}`;
    dot.style.transform = `translate(${x}px, ${drawn.host.offsetTop + drawn.chart.yOf(value)}px)`;
  });
}
