import { useLayoutEffect, useRef } from "preact/hooks";
import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { formatNumber } from "../../model/numbers.ts";
import { msOrNull, whenText } from "../../model/times.ts";
import { StateMark } from "../../parts/StateMark.tsx";
import type { Connection } from "../../rest/types/connections.ts";
import { Ago } from "./Ago.tsx";
import { DayStrip } from "./DayStrip.tsx";
import { JournalMeter } from "./JournalMeter.tsx";
import { nameOf, stateOf } from "./states.ts";

export interface ConnectionRowProps {
  connection: Connection;
  /** Of the whole list, from 0. */
  index: number;
  /** From the top of the list [px]. */
  top: number;
  measure: (row: HTMLElement | null) => void;
  isChosen: boolean;
  isTabStop: boolean;
  onChoose: () => void;
}

export function ConnectionRow({ connection, index, top, measure, isChosen, isTabStop, onChoose }: ConnectionRowProps) {
  const row = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => measure(row.current), [measure]);
  const { kind, glyph, word } = stateOf(connection);
  const since = msOrNull(connection.since);
  const isDown = kind === "down";
  const reading = <Ago at={connection.lastReadingAt} />;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      data-index={index}
      style={{ top: `${top}px` }}
      ref={row}
      aria-selected={isChosen}
      data-connection={connection.connectionId}
      tabIndex={isTabStop ? 0 : -1}
      class={isChosen ? "tr cng sel" : "tr cng"}
      onClick={onChoose}
      onKeyDown={(event) => event.key === "Enter" && onChoose()}
    >
      <span role="gridcell" class="cst">
        <StateMark glyph={glyph}>{word}</StateMark>
      </span>
      <span role="gridcell" class="what">
        <b>{nameOf(connection.connectionId)}</b>
        <br />
        <small class="dim">
          {connection.protocol}
          {connection.endpoint !== "" && ` · ${connection.endpoint}`}
        </small>
      </span>
      <span role="gridcell" class="x">
        {isDown && since !== null ? (
          <>
            <b class="nowrap">since {whenText(since, nowMs.value, zone.value)}</b>
            <br />
            <small class="dim">
              <Ago at={connection.since} />
            </small>
          </>
        ) : (
          <Ago at={connection.since} />
        )}
      </span>
      <span role="gridcell" class="x nowrap">
        {formatNumber(connection.mappedTags, 0)} / {formatNumber(connection.rejectedTags, 0)}
      </span>
      <span role="gridcell" class="x">
        <JournalMeter journal={connection.journal} />
      </span>
      <span role="gridcell" class="x">
        <DayStrip strip={connection.strip} />
      </span>
      <span role="gridcell" class="num read">
        {isDown ? <b>{reading}</b> : reading}
      </span>
    </div>
  );
}
