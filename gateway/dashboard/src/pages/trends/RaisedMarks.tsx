import { CONDITION_WORDS, PRIORITY_WORDS } from "../../model/alarms.ts";
import { fullText, msOf } from "../../model/times.ts";
import type { Frame } from "./frame-of.ts";

/** Ways to the alarms that were raised; their shapes are on the canvas, where the picture takes them from. */
export function RaisedMarks({ frame, tops }: { frame: Frame; tops: readonly number[] }) {
  const { fromMs, toMs } = frame.span;
  return (
    <>
      {frame.lanes.flatMap((lane, index) =>
        lane.pens.flatMap((pen) =>
          (frame.marks.get(pen.key) ?? []).map((event) => {
            const share = (msOf(event.at) - fromMs) / (toMs - fromMs);
            const words = `${pen.title} ${CONDITION_WORDS[event.condition]}, priority ${event.priority} ${PRIORITY_WORDS[event.priority]}, raised ${fullText(msOf(event.at), frame.zone)}`;
            return (
              <a
                key={event.eventNo}
                class="tmark"
                style={{ left: `${share * 100}%`, top: `${tops[index] ?? 0}px` }}
                href={`/alarms?alarm=${encodeURIComponent(event.alarmId)}`}
                aria-label={words}
                title={words}
              />
            );
          }),
        ),
      )}
    </>
  );
}
