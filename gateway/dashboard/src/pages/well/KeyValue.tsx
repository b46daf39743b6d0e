import { useEffect, useRef } from "preact/hooks";
import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { live } from "../../live/live.ts";
import { titleOf } from "../../model/attention.ts";
import { mostUrgent, shapeOf } from "../../model/alarms.ts";
import { whenText } from "../../model/times.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { AnalogBar } from "../../parts/AnalogBar.tsx";
import { QualityMark } from "../../parts/QualityMark.tsx";
import { valueClass } from "../../parts/ValueCell.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { TagFacts, WellAnswer } from "../../rest/types/wells.ts";
import { tieCard } from "./card-host.ts";
import { trendOf } from "./trend-link.ts";
import { useWritten } from "./use-written.ts";

export interface KeyValueProps {
  well: WellAnswer;
  tag: TagFacts;
  /** Of this tag, to be handled. */
  alarms: readonly Alarm[];
}

/** A value with its bar; the row leads to its trend. */
export function KeyValue({ well, tag, alarms }: KeyValueProps) {
  const link = useRef<HTMLAnchorElement>(null);
  const { shown, turn, box } = useWritten<HTMLAnchorElement>(well.wellId, tag);
  const first = mostUrgent(alarms) ?? alarms[0] ?? null;
  const isRinging = first !== null && shapeOf(first).unacknowledged;
  useEffect(() => (link.current === null ? undefined : tieCard(link.current, tag)), [tag]);
  const hasValue = shown.mark !== "none" && !(shown.mark === "bad" && !shown.struck);
  const value = hasValue && (
    <span class={valueClass(shown)}>
      {shown.struck ? <s>{shown.text}</s> : shown.text}
      {shown.unit !== "" && <i>{shown.unit}</i>}
    </span>
  );
  return (
    <a
      class={`kv${isRinging ? ` t${first.priority}` : ""}`}
      href={trendOf(well, [tag.tagName])}
      ref={(element) => {
        link.current = element;
        box.current = element;
      }}
    >
      <span class="n">
        {titleOf(tag)}
        <small key={turn}>
          {shown.mark === "bad" || shown.mark === "uncertain" ? `${shown.reason || "no reason told"} · ` : ""}
          {shown.mark === "none" ? (
            "no reading yet"
          ) : shown.mark === "stale" ? (
            `last ${lastAt(well.wellId, tag.tagName)}`
          ) : (
            <span data-age>{shown.age}</span>
          )}
          {shown.notes.length > 0 && ` · ${shown.notes.join(" · ")}`}
        </small>
      </span>
      <span class="b" key={`b${turn}`} aria-hidden="true">
        <AnalogBar tag={tag} shown={shown} priority={first?.priority ?? null} />
      </span>
      <span class="val" key={`v${turn}`}>
        <span class="row gap1">
          {first !== null && <AlarmShape {...shapeOf(first)} size="s" />}
          {shown.mark !== "bad" && value}
        </span>
        <QualityMark mark={shown.mark} label={shown.label} />
        {shown.mark === "bad" && value}
      </span>
    </a>
  );
}

/** When the last value before the silence was read. */
function lastAt(wellId: string, tagName: string): string {
  const cell = live().wells.feed(wellId).cells.get(tagName);
  const ms = cell?.lastKnown?.tMs ?? cell?.tMs;
  return ms === undefined ? "never" : whenText(ms, nowMs.peek(), zone.peek());
}
