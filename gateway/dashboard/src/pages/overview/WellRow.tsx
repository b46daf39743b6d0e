import { Component } from "preact";
import { titleOf } from "../../model/attention.ts";
import { trendLink, wellLink } from "../../model/links.ts";
import { typeWords } from "../../model/well-type.ts";
import { Spark } from "../../parts/Spark.tsx";
import type { SparkColumns } from "../../parts/spark-shape.ts";
import { KeyCell } from "./KeyCell.tsx";
import { RowAge } from "./LiveAge.tsx";
import { RowMark } from "./Mark.tsx";
import { Why } from "./Why.tsx";
import { type Judged, lookOf, nameOf } from "./judged.ts";

export interface WellRowProps {
  judged: Judged;
  /** Wells behind the same dead device, in this row. */
  others: number;
  /** Place in the list, from 1. */
  row: number;
  /** Where it stands [px]. */
  top: number;
  isChosen: boolean;
  isTabStop: boolean;
  columns: readonly (string | null)[];
  spark: SparkColumns | null;
  onChoose: (key: string) => void;
}

/** One well; drawn anew only when something of it changed that is not a value. */
export class WellRow extends Component<WellRowProps> {
  override shouldComponentUpdate(next: WellRowProps): boolean {
    const before = this.props;
    return (Object.keys(next) as (keyof WellRowProps)[]).some((name) => next[name] !== before[name]);
  }

  override render({ judged, others, row, top, isChosen, isTabStop, columns, spark, onChoose }: WellRowProps) {
    const { wellId, well, attention } = judged;
    const look = lookOf(judged);
    const isNew = "alarm" in look && look.alarm.unacknowledged === true;
    const tint = isNew && "alarm" in look ? ` t${look.alarm.priority}` : "";
    const pen = penOf(judged);
    const trended = well.keys.find((tag) => tag.tagName === pen);
    const own = Math.max(0, well.keys.findIndex((tag) => tag.tagName === attention.tagName));
    return (
      <div
        role="row"
        aria-rowindex={row + 1}
        aria-selected={isChosen}
        data-key={wellId}
        tabIndex={isTabStop ? 0 : -1}
        class={`tr ovg${tint}${isChosen ? " sel" : ""}${others > 0 ? " fold" : ""}`}
        style={{ transform: `translateY(${top}px)` }}
        onFocus={() => onChoose(wellId)}
      >
        <span role="gridcell" class="mark-cell">
          <RowMark look={look} />
        </span>
        <span role="gridcell" class="name">
          <a href={wellLink(wellId)} tabIndex={-1}>
            <b class="nm cut">{nameOf(well)}</b>
          </a>
          <small class="cut">{typeWords(well.type)}</small>
        </span>
        <span role="gridcell" class="why">
          <Why judged={judged} others={others} />
        </span>
        {columns.map((title, at) => {
          const tag = well.keys[at];
          const priority = attention.alarm?.active && tag?.tagName === attention.tagName ? attention.priority : null;
          return (
            <span key={at} role="gridcell" class={at === own ? "mc own" : "mc"}>
              {tag !== undefined && (
                <KeyCell
                  key={`${wellId} ${tag.tagName}`}
                  wellId={wellId}
                  at={at}
                  tag={tag}
                  label={title === null ? titleOf(tag) : null}
                  priority={priority}
                />
              )}
            </span>
          );
        })}
        <span role="gridcell" class="sp">
          {pen !== null && (
            <a href={trendLink({ pens: [{ wellId, tagName: pen }] })} tabIndex={-1} aria-label={`Trend of ${titleOf(trended ?? { tagName: pen })}`}>
              <Spark columns={spark} since={well.since} {...(trended && { normal: { low: trended.normalLow, high: trended.normalHigh } })} />
            </a>
          )}
        </span>
        <span role="gridcell" class="tr-age num">
          <RowAge key={wellId} wellId={wellId} />
        </span>
      </div>
    );
  }
}

/** The tag whose trend the row shows: the one that put it there, else the first key; null: none. */
export function penOf({ attention, well }: Judged): string | null {
  return attention.tagName ?? well.keys[0]?.tagName ?? null;
}
