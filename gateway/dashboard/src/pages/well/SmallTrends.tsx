import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { client } from "../../frame/gateway.ts";
import { nowMs } from "../../frame/now.ts";
import { useAnswer } from "../../frame/use-answer.ts";
import { zone } from "../../frame/zone.ts";
import { serverNow } from "../../live/clock.ts";
import { live } from "../../live/live.ts";
import type { Recorder } from "../../live/readings.ts";
import { titleOf } from "../../model/attention.ts";
import { clockMinutes } from "../../model/times.ts";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Spark } from "../../parts/Spark.tsx";
import { ValueCell } from "../../parts/ValueCell.tsx";
import type { PointsAnswer } from "../../rest/types/readings.ts";
import type { TagFacts, WellAnswer } from "../../rest/types/wells.ts";
import { type SmallTrend, smallTrend } from "./small-trend.ts";
import { trendOf } from "./trend-link.ts";
import { useWritten } from "./use-written.ts";

const LENGTH_MS = 2 * 3_600_000;
const COLUMNS = 80;
const DRAW_EACH_MS = 5_000;

export interface SmallTrendsProps {
  well: WellAnswer;
  tags: readonly TagFacts[];
}

/** The last two hours of a few tags: stored ones, joined with what comes live. */
export function SmallTrends({ well, tags }: SmallTrendsProps) {
  const names = tags.map((tag) => tag.tagName);
  const key = names.join("\n");
  const recorder = useRef<Recorder | null>(null);
  // begun before history is asked for, so that nothing lies between
  useEffect(() => {
    const made = live().wells.record(well.wellId, names);
    recorder.current = made;
    return () => made.stop();
  }, [well.wellId, key]);
  const { answer, error, again } = useAnswer(names.length === 0 ? null : `${well.wellId}\n${key}`, (signal) => {
    const end = serverNow();
    return client.points(
      {
        wellId: well.wellId,
        tagName: names,
        start: new Date(end - LENGTH_MS).toISOString(),
        end: new Date(end).toISOString(),
        points: COLUMNS,
      },
      { signal },
    );
  });
  useEffect(() => live().wells.onHole(well.wellId, (hole) => hole.healed && again()), [well.wellId, again]);
  if (names.length === 0) return null;
  if (answer === null && error !== null) {
    return <ProblemBox title="The small trends could not be loaded" error={error} onRetry={again} besides="Live values are not affected." />;
  }
  return (
    <div class="minis">
      {tags.map((tag) => (
        <Mini key={tag.tagName} well={well} tag={tag} answer={answer} points={() => recorder.current?.points(tag.tagName) ?? []} />
      ))}
    </div>
  );
}

interface MiniProps {
  well: WellAnswer;
  tag: TagFacts;
  answer: PointsAnswer | null;
  points: () => ReturnType<Recorder["points"]>;
}

function Mini({ well, tag, answer, points }: MiniProps) {
  const { shown, turn, box } = useWritten<HTMLAnchorElement>(well.wellId, tag);
  const trend = useSignal<SmallTrend | null>(null);
  const tick = Math.floor(nowMs.value / DRAW_EACH_MS);
  useEffect(() => {
    trend.value = answer === null ? null : smallTrend(answer, tag.tagName, points(), LENGTH_MS, serverNow());
  }, [answer, tick]);
  const drawn = trend.value;
  return (
    <a class="panel mini" href={trendOf(well, [tag.tagName])} ref={box}>
      <span class="row between">
        <span class="cut">{titleOf(tag)}</span>
        <span key={turn}>
          <ValueCell shown={{ ...shown, notes: [] }} compact />
        </span>
      </span>
      <Spark columns={drawn?.columns ?? null} since={well.since} normal={{ low: tag.normalLow, high: tag.normalHigh }} />
      <span class="ax">
        <span>{drawn === null ? " " : clockMinutes(drawn.fromMs, zone.value)}</span>
        <span>{drawn === null ? "" : clockMinutes(drawn.toMs, zone.value)}</span>
      </span>
    </a>
  );
}
