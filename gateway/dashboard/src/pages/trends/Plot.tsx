import { useLayoutEffect, useRef, useState } from "preact/hooks";
import { spanWords } from "./ranges.ts";
import type { Board } from "./board.ts";
import { CursorReadout } from "./CursorReadout.tsx";
import { EmptyLane } from "./EmptyLane.tsx";
import type { Frame } from "./frame-of.ts";
import { type Acts, listenToPointers } from "./gestures.ts";
import type { Gutters } from "./lane-chart.ts";
import { NAME_REM } from "./lettering.ts";
import { hasStates } from "./pens.ts";
import { RaisedMarks } from "./RaisedMarks.tsx";
import { TrendLane, type TrendLaneProps } from "./TrendLane.tsx";

export interface PlotProps {
  board: Board;
  frame: Frame;
  /** The range that was asked for and is not there yet, in words; null: all is there. */
  coming: string | null;
  charts: TrendLaneProps["charts"];
  go: Acts["go"];
  back: Acts["back"];
}

const PHONE_PX = 640;

/** Lanes over one time axis, and what is done on them with a pointer. */
export function Plot({ board, frame, coming, charts, go, back }: PlotProps) {
  const host = useRef<HTMLDivElement>(null);
  const area = useRef<HTMLDivElement>(null);
  const selection = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const acts = useRef({ go, back });
  acts.current = { go, back };

  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return;
    const measure = () => setWidth(Math.floor(element.clientWidth));
    const observer = new ResizeObserver(measure);
    observer.observe(element);
    measure();
    return () => observer.disconnect();
  }, []);

  useLayoutEffect(() => {
    if (area.current === null) return;
    return listenToPointers(area.current, {
      span: () => board.frame.peek()?.span ?? frame.span,
      cursor: (ms) => (board.cursorMs.value = ms),
      select: (from, to) => drawOut(selection.current, from, to),
      look: (span) => board.look(span),
      go: (span) => acts.current.go(span),
      back: () => acts.current.back(),
    });
  }, [board]);

  const geometry = geometryOf(frame, width);
  board.widthPx = Math.max(16, width - geometry.left - geometry.right);
  return (
    <div ref={host} class={coming === null ? "tplot" : "tplot is-coming"} aria-busy={coming !== null}>
      {width > 0 &&
        frame.lanes.map((lane, index) => (
          <TrendLane
            key={lane.key}
            board={board}
            laneKey={lane.key}
            width={width}
            height={geometry.heights[index] ?? 100}
            gutters={geometry.gutters[index] as Gutters}
            isLast={index === frame.lanes.length - 1}
            isNarrow={geometry.isNarrow}
            charts={charts}
          />
        ))}
      <div
        ref={area}
        class="tarea"
        style={{ left: `${geometry.left}px`, right: `${geometry.right}px`, bottom: `${geometry.times}px` }}
      >
        <div ref={selection} class="tsel" hidden />
        {width > 0 && <RaisedMarks frame={frame} tops={geometry.tops} width={board.widthPx} />}
        {frame.lanes.map((lane, index) => (
          <EmptyLane key={lane.key} frame={frame} lane={lane} top={geometry.tops[index] ?? 0} height={geometry.heights[index] ?? 0} go={go} again={() => board.again()} />
        ))}
        <CursorReadout board={board} charts={charts} />
      </div>
      {coming !== null && (
        <p class="tcoming" role="status">
          Loading {coming}. Drawn until then: {spanWords(frame.span, frame.zone)}
        </p>
      )}
    </div>
  );
}

function drawOut(box: HTMLElement | null, from: number | null, to: number): void {
  if (box === null) return;
  box.hidden = from === null;
  if (from === null) return;
  box.style.left = `${Math.min(from, to) * 100}%`;
  box.style.width = `${Math.abs(to - from) * 100}%`;
}

interface Geometry {
  left: number;
  right: number;
  times: number;
  isNarrow: boolean;
  heights: number[];
  tops: number[];
  gutters: Gutters[];
}

/** Half of the window for the plot, the first lane the highest, none below its least. */
function geometryOf(frame: Frame, width: number): Geometry {
  const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16;
  const isNarrow = width < PHONE_PX;
  const hasWords = frame.lanes.some((lane) => hasStates(lane.pens[0]?.tag ?? null));
  const left = Math.round((isNarrow ? 2.7 : 3.4) * rem + (hasWords ? 1.6 * rem : 0));
  const right = Math.round((isNarrow ? 0.5 : 9.6) * rem);
  const times = Math.round(1.6 * rem);
  const shares = frame.lanes.map((_, index) => (index === 0 && frame.lanes.length > 1 ? 1.45 : 1));
  const sum = shares.reduce((all, one) => all + one, 0) || 1;
  const whole = Math.max(window.innerHeight * 0.48, frame.lanes.length * 6.8 * rem);
  const namesOf = (index: number) =>
    isNarrow ? Math.round((frame.lanes[index]?.pens.length ?? 0) * NAME_REM * rem) : 0;
  const gutters = frame.lanes.map((lane, index) => ({
    left,
    right,
    top: Math.round((index === 0 ? 0.5 : 0.45) * rem) + namesOf(index),
    ribbon: 6 + Math.round(Math.max(0.42 * rem, lane.pens.length * 0.36 * rem)),
    times,
  }));
  const heights = frame.lanes.map((_, index) => {
    const isLast = index === frame.lanes.length - 1;
    return Math.round(((shares[index] ?? 1) / sum) * whole) + (isLast ? times : 0) + namesOf(index);
  });
  const tops = heights.map((_, index) => heights.slice(0, index).reduce((all, one) => all + one, 0));
  return { left, right, times, isNarrow, heights, tops, gutters };
}
