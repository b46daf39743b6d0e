import { type Limits, barOf, pointerOf } from "../model/limits.ts";
import { formatNumber } from "../model/numbers.ts";
import type { Presented } from "../model/present.ts";
import type { Priority } from "../rest/types/alarms.ts";

export interface AnalogBarProps {
  /** Range, normal band and limits; TagFacts has them. */
  tag: Limits;
  shown: Presented;
  /** Of the alarm that stands on this tag; it colours the pointer. */
  priority?: Priority | null;
  /** What was asked for. */
  setPoint?: number | null;
}

/** Where a value stands within its range. Without a known range it is drawn empty. */
export function AnalogBar({ tag, shown, priority = null, setPoint = null }: AnalogBarProps) {
  const bar = barOf(tag);
  if (bar === null) {
    return (
      <div class="bar none" role="img" aria-label="no range is known">
        <span class="trk" />
      </div>
    );
  }
  const wanted = pointerOf(setPoint, bar);
  return (
    <div
      class={barClass(shown, priority)}
      role="img"
      aria-label={inWords(tag, shown, bar.low, bar.high)}
    >
      <span class="trk" />
      {bar.band !== null && (
        <span class="bnd" style={{ "--a": share(bar.band.from), "--b": share(bar.band.to) }} />
      )}
      {bar.ticks.map((tick) => (
        <span
          key={tick.condition}
          class={tick.hard ? "lim hh" : "lim"}
          style={{ "--v": share(tick.at) }}
        />
      ))}
      {wanted !== null && (
        <svg class="sp" style={{ "--v": share(wanted.at) }} viewBox="0 0 10 8" aria-hidden="true">
          <path d="M5 .5L9.5 7.5H.5z" />
        </svg>
      )}
      {shown.pointer !== null && (
        <span class="at" style={{ "--v": share(shown.pointer.at) }}>
          <svg class="ptr" viewBox="0 0 12 16" aria-hidden="true">
            <path d={POINTERS[shown.pointer.beyond ?? "within"]} />
          </svg>
        </span>
      )}
    </div>
  );
}

/** The class of the bar, for those that move pointers themselves. */
export function barClass(shown: Presented, priority: Priority | null): string {
  const look = { good: "", uncertain: " unc", stale: " stale", bad: " bad" }[shown.bar];
  return `bar${look}${priority === null || look !== "" ? "" : ` p${priority}`}`;
}

const POINTERS = {
  within: "M1 0h10v8l-5 7-5-7z",
  below: "M11 1v13L2 7.5z",
  above: "M1 1v13l9-6.5z",
} as const;

function share(at: number): string {
  return `${(at * 100).toFixed(2)}%`;
}

function inWords(tag: Limits, shown: Presented, low: number, high: number): string {
  const normal =
    tag.normalLow === null && tag.normalHigh === null
      ? ""
      : `, normal ${number(tag.normalLow ?? low)} to ${number(tag.normalHigh ?? high)}`;
  const value = shown.pointer === null ? "no value to point at" : shown.text;
  return `${value} in ${number(low)} to ${number(high)}${normal}`;
}

function number(value: number): string {
  return formatNumber(value, Number.isInteger(value) ? 0 : 2);
}
