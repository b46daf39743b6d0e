import { useLayoutEffect, useRef } from "preact/hooks";
import { theme } from "../../frame/preferences.ts";
import type { Board } from "./board.ts";
import { type Gutters, LaneChart } from "./lane-chart.ts";

export interface TrendLaneProps {
  board: Board;
  laneKey: string;
  width: number;
  height: number;
  gutters: Gutters;
  isLast: boolean;
  isNarrow: boolean;
  /** Where the charts of all lanes are kept, for the cursor and the picture. */
  charts: Map<string, { chart: LaneChart; host: HTMLElement }>;
}

/** The pens of one unit on a canvas; the table beneath says the same in words. */
export function TrendLane(props: TrendLaneProps) {
  const { board, laneKey, width, height, gutters, isLast, isNarrow, charts } = props;
  const host = useRef<HTMLDivElement>(null);
  const shape = `${gutters.left} ${gutters.right} ${gutters.ribbon} ${gutters.times} ${isLast} ${isNarrow}`;

  useLayoutEffect(() => {
    const element = host.current;
    if (element === null) return;
    let chart: LaneChart | null = null;
    const draw = () => {
      const frame = board.frame.peek();
      const lane = frame?.lanes.find((one) => one.key === laneKey);
      if (frame === null || lane === undefined) return;
      const scene = { frame, lane, gutters, isLast, isNarrow };
      if (chart === null) {
        chart = new LaneChart(element, scene, width, height);
        charts.set(laneKey, { chart, host: element });
      } else chart.show(scene, width, height);
    };
    const stops = [board.frame.subscribe(draw), theme.subscribe(() => requestAnimationFrame(draw))];
    const dark = matchMedia("(prefers-color-scheme: dark)");
    dark.addEventListener("change", draw);
    void document.fonts?.ready.then(draw);
    return () => {
      for (const stop of stops) stop();
      dark.removeEventListener("change", draw);
      charts.delete(laneKey);
      chart?.destroy();
      chart = null;
    };
  }, [board, laneKey, width, height, shape]);

  return <div ref={host} class="tlane" aria-hidden="true" />;
}
