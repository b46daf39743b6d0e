import { MINUTE_MS } from "../../model/times.ts";
import { Button } from "../../parts/Button.tsx";
import type { DrawnLane, Frame } from "./frame-of.ts";
import { type Span, moved } from "./ranges.ts";
import { noneWords } from "./words.ts";

export interface EmptyLaneProps {
  frame: Frame;
  lane: DrawnLane;
  top: number;
  height: number;
  go: (span: Span) => void;
  again: () => void;
}

/** In a lane without a reading: that there is none, when the last one was, and the way there. */
export function EmptyLane({ frame, lane, top, height, go, again }: EmptyLaneProps) {
  const known = lane.pens.filter((pen) => frame.curves.has(pen.key));
  if (known.length === 0) {
    return (
      <div class="tnone" style={{ top: `${top}px`, height: `${height}px` }}>
        <p>
          <b>{lane.pens.map((pen) => pen.title).join(", ")}</b>: the readings could not be loaded
        </p>
        <Button onClick={again}>Try again</Button>
      </div>
    );
  }
  const isEmpty = known.every((pen) => frame.curves.get(pen.key)?.columns.length === 0);
  if (!isEmpty) return null;
  const lasts = known.map((pen) => frame.wells.get(pen.wellId)?.lastBefore.get(pen.tagName));
  const times = lasts.filter((one) => one != null);
  const lastMs = times.length > 0 ? Math.max(...times) : lasts.includes(null) ? null : undefined;
  const jump = () => {
    if (lastMs == null) return;
    const length = frame.span.toMs - frame.span.fromMs;
    const toMs = lastMs + Math.max(length * 0.1, MINUTE_MS);
    go(moved({ fromMs: toMs - length, toMs }, 0, frame.nowMs));
  };
  return (
    <div class="tnone" style={{ top: `${top}px`, height: `${height}px` }}>
      <p>
        <b>{known.map((pen) => pen.title).join(", ")}</b>: {noneWords(lastMs, frame.zone)}
      </p>
      {lastMs != null && <Button onClick={jump}>Go there</Button>}
    </div>
  );
}
