import { client } from "../../frame/gateway.ts";
import { useAnswer } from "../../frame/use-answer.ts";
import { zone } from "../../frame/zone.ts";
import { clockMinutes, fullText, msOf } from "../../model/times.ts";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { PointsAnswer } from "../../rest/types/readings.ts";

const HOUR_MS = 3_600_000;
const WIDTH = 340;
const HEIGHT = 100;

/** The last hour of the tag against the alarm's limit; gaps stay gaps. */
export function AlarmTrend({ alarm }: { alarm: Alarm }) {
  const { answer, error } = useAnswer(`trend ${alarm.alarmId}`, (signal) => {
    const end = Date.now();
    return client.points(
      {
        wellId: alarm.wellId,
        tagName: [alarm.tagName],
        start: new Date(end - HOUR_MS).toISOString(),
        end: new Date(end).toISOString(),
        points: 170,
      },
      { signal },
    );
  });
  if (error !== null && answer === null) return <p class="dim">The last hour could not be loaded.</p>;
  if (answer === null) return <div class="skel" aria-busy="true" />;
  const limit = ["hihi", "hi", "lo", "lolo"].includes(alarm.condition) ? alarm.limit : null;
  const drawn = drawing(answer, limit);
  if (drawn === null) return <p class="dim">No readings within the last hour.</p>;
  return (
    <div>
      <svg class="tr1" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={`The last hour, from ${drawn.low} to ${drawn.high} ${alarm.unit}`}>
        <rect class="lane" width={WIDTH} height={HEIGHT} />
        {drawn.limitY !== null && <path class="limit" d={`M0 ${drawn.limitY}H${WIDTH}`} />}
        <path class="pen" d={drawn.path} />
      </svg>
      <div class="ax">
        <span>{clockMinutes(msOf(answer.start), zone.value)}</span>
        <span>{fullText(msOf(answer.end), zone.value)}</span>
      </div>
    </div>
  );
}

/** A line through first, least, greatest and last of each column; null where there is nothing to draw. */
export function drawing(answer: PointsAnswer, limit: number | null): { path: string; limitY: number | null; low: number; high: number } | null {
  const buckets = answer.series.flatMap((one) => one.buckets).filter((one) => one[3] !== null && one[4] !== null);
  if (buckets.length === 0) return null;
  const values = buckets.flatMap((one) => [one[3] as number, one[4] as number]);
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const [least, most] = limit === null ? [low, high] : [Math.min(low, limit), Math.max(high, limit)];
  const span = most - least || Math.abs(most) || 1;
  const y = (value: number) => (HEIGHT - 6 - ((value - least) / span) * (HEIGHT - 12)).toFixed(1);
  const [startMs, endMs] = [msOf(answer.start), msOf(answer.end)];
  const gapMs = Math.max(answer.columnS * 3000, 60_000);
  let before = -Infinity;
  let path = "";
  for (const [tMs, first, last, min, max] of buckets) {
    const x = (((tMs - startMs) / (endMs - startMs)) * WIDTH).toFixed(1);
    const points = [first, min, max, last].filter((one): one is number => one !== null);
    points.forEach((value, index) => {
      path += `${index === 0 && tMs - before > gapMs ? "M" : "L"}${x} ${y(value)}`;
    });
    if (points.length === 1) path += `h.1`;
    before = tMs;
  }
  return { path, limitY: limit === null ? null : Number(y(limit)), low, high };
}
