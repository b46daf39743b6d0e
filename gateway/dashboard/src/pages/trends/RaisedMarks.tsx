import { CONDITION_WORDS, PRIORITY_WORDS } from "../../model/alarms.ts";
import { fullText, msOf } from "../../model/times.ts";
import type { AlarmEvent } from "../../rest/types/alarms.ts";
import type { DrawnLane, Frame } from "./frame-of.ts";

export interface RaisedMarksProps {
  frame: Frame;
  /** Where each lane begins, and how wide they are [px]. */
  tops: readonly number[];
  width: number;
}

/** A finger needs so much [px]; marks that are closer share one way. */
const APART_PX = 26;

/** Ways to the alarms that were raised; their shapes are on the canvas, where the picture takes them from. */
export function RaisedMarks({ frame, tops, width }: RaisedMarksProps) {
  return (
    <>
      {frame.lanes.flatMap((lane, index) =>
        groupsOf(frame, lane, width).map(({ x, all }) => {
          const words = all.map((one) => one.words).join("; ");
          const [first] = all.map((one) => one.event).sort((a, b) => a.priority - b.priority);
          if (first === undefined) return null;
          return (
            <a
              key={first.eventNo}
              class="tmark"
              style={{ left: `${x}px`, top: `${tops[index] ?? 0}px` }}
              href={`/alarms?alarm=${encodeURIComponent(first.alarmId)}`}
              aria-label={all.length === 1 ? words : `${all.length} alarms: ${words}`}
              title={words}
            />
          );
        }),
      )}
    </>
  );
}

interface Group {
  x: number;
  all: { event: AlarmEvent; words: string }[];
}

function groupsOf(frame: Frame, lane: DrawnLane, width: number): Group[] {
  const { fromMs, toMs } = frame.span;
  const marks = lane.pens.flatMap((pen) =>
    (frame.marks.get(pen.key) ?? []).map((event) => {
      const atMs = msOf(event.at);
      const what = `${pen.title} ${CONDITION_WORDS[event.condition]}`;
      const urgency = `priority ${event.priority} ${PRIORITY_WORDS[event.priority]}`;
      const words = `${what}, ${urgency}, raised ${fullText(atMs, frame.zone)}`;
      return { x: ((atMs - fromMs) / (toMs - fromMs)) * width, event, words };
    }),
  );
  const groups: Group[] = [];
  for (const { x, event, words } of marks.sort((a, b) => a.x - b.x)) {
    const last = groups.at(-1);
    if (last !== undefined && x - last.x < APART_PX) last.all.push({ event, words });
    else groups.push({ x, all: [{ event, words }] });
  }
  return groups;
}
