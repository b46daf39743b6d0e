import { useMemo } from "preact/hooks";
import { msOf } from "../model/times.ts";
import { type Band, HEIGHT, type SparkColumns, WIDTH, sparkShape } from "./spark-shape.ts";

const NO_BAND: Band = { low: null, high: null };

export interface SparkProps {
  /** null: not loaded yet; then only the box is there. */
  columns: SparkColumns | null;
  normal?: Band;
  /** When it was read first; an empty time before is no gap. */
  since?: string | null;
  /** What it shows, for screen readers; none where the words beside it say it. */
  label?: string;
}

/** A small trend: line of last values, envelope of extremes, hatched where nothing is. */
export function Spark({ columns, normal = NO_BAND, since = null, label }: SparkProps) {
  const { low, high } = normal;
  const shape = useMemo(
    () => (columns === null ? null : sparkShape(columns, { low, high }, since === null ? undefined : msOf(since))),
    [columns, low, high, since],
  );
  const says =
    label === undefined ? { "aria-hidden": true } : { role: "img" as const, "aria-label": label };
  if (shape === null) return <div class="spark" aria-hidden="true" />;
  return (
    <div class="spark" {...says}>
      {shape.runs.map((run) => (
        <i
          key={`${run.kind}${run.from}`}
          class={run.kind}
          style={{
            left: `${(run.from * 100).toFixed(2)}%`,
            width: `${((run.to - run.from) * 100).toFixed(2)}%`,
          }}
        />
      ))}
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {shape.band !== null && (
          <rect x="0" y={shape.band.y} width={WIDTH} height={shape.band.height} />
        )}
        <path class="env" d={shape.envelope} />
        <path d={shape.line} />
      </svg>
    </div>
  );
}
