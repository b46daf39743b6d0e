import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { mostUrgent, shapeOf } from "../../model/alarms.ts";
import { titleOf } from "../../model/attention.ts";
import { LIMIT_WORDS, sortedLimits } from "../../model/limits.ts";
import { valueText } from "../../model/present.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { AnalogBar } from "../../parts/AnalogBar.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { ValueCell } from "../../parts/ValueCell.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { TagFacts, WellAnswer } from "../../rest/types/wells.ts";
import { tieCard } from "./card-host.ts";
import { isAnalog } from "./chosen.ts";
import { shortName } from "./device.ts";
import { trendOf } from "./trend-link.ts";
import { useWritten } from "./use-written.ts";

export interface TagRowProps {
  well: WellAnswer;
  tag: TagFacts;
  /** Of the whole list, from 0. */
  index: number;
  /** From the top of the list [px]. */
  top: number;
  measure: (row: HTMLElement | null) => void;
  alarms: readonly Alarm[];
}

/** One tag in the table of all. */
export function TagRow({ well, tag, index, top, measure, alarms }: TagRowProps) {
  const link = useRef<HTMLAnchorElement>(null);
  const { shown, turn, box } = useWritten<HTMLDivElement>(well.wellId, tag);
  useLayoutEffect(() => measure(box.current), [measure]);
  useEffect(() => (link.current === null ? undefined : tieCard(link.current, tag)), [tag]);
  const first = mostUrgent(alarms) ?? alarms[0] ?? null;
  const isRinging = first !== null && shapeOf(first).unacknowledged;
  const limits = sortedLimits(tag.limits);
  return (
    <div class={isRinging ? `tr wtg t${first.priority}` : "tr wtg"} role="row" aria-rowindex={index + 2} data-index={index} style={{ top: `${top}px` }} ref={box}>
      <span role="gridcell" class="nm">
        <b>{titleOf(tag)}</b>
        <small class="mono dim">{tag.tagName}</small>
      </span>
      <span role="gridcell" class="vl">
        {first !== null && <AlarmShape {...shapeOf(first)} size="s" />}
        <span key={turn}>
          <ValueCell shown={shown} reason />
        </span>
      </span>
      <span role="gridcell" class="rg" key={`b${turn}`}>
        {isAnalog(tag) ? (
          <span aria-hidden="true">
            <AnalogBar tag={tag} shown={shown} priority={first?.priority ?? null} />
          </span>
        ) : (
          <small class="dim">{Object.values(tag.stateNames).join(", ")}</small>
        )}
      </span>
      <span role="gridcell" class="ag" key={`a${turn}`}>
        <span data-age>{shown.age === "" ? "–" : shown.age}</span>
      </span>
      <span role="gridcell" class="ad">
        <span class="mono">{tag.address}</span>
        <small class="dim">
          {shortName(tag.connectionId)}
          {tag.intervalS !== null && ` · each ${tag.intervalS} s`}
          {tag.writable && " · writable"}
        </small>
      </span>
      <span role="gridcell" class="lm">
        {limits.map((one) => (
          <span key={one.condition} class="nowrap">
            {LIMIT_WORDS[one.condition]} {valueText(one.limit, tag)}
          </span>
        ))}
      </span>
      <span role="gridcell" class="go">
        <a class="btn icon quiet" data-row href={trendOf(well, [tag.tagName])} aria-label={`Trend of ${titleOf(tag)}`} ref={link}>
          <Icon name="trends" />
        </a>
      </span>
    </div>
  );
}
