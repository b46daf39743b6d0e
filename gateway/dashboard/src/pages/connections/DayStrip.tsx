import { type Strip, dayWords, runsOf } from "./day.ts";

const SHAPES = { connected: "up", down: "down", suspended: "rest", none: "" } as const;

/** The last 24 hours: a bar while connected, hatched without connection, nothing where nobody read. */
export function DayStrip({ strip }: { strip: Strip | undefined }) {
  if (strip === undefined) return <span class="dim">–</span>;
  return (
    <svg
      class="upt"
      viewBox={`0 0 ${strip.states.length} 16`}
      preserveAspectRatio="none"
      role="img"
      aria-label={dayWords(strip)}
    >
      <rect class="base" width={strip.states.length} y="7.5" height="1" />
      {runsOf(strip.states).map(({ state, from, columns }) =>
        state === "none" ? null : (
          <rect
            key={from}
            class={SHAPES[state]}
            x={from}
            width={columns}
            y={state === "connected" ? 3 : state === "suspended" ? 6.5 : 0}
            height={state === "connected" ? 10 : state === "suspended" ? 3 : 16}
          />
        ),
      )}
    </svg>
  );
}
