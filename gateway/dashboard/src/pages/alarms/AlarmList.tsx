import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { useSignal } from "@preact/signals";
import { live } from "../../live/live.ts";
import { Button } from "../../parts/Button.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";
import { AlarmRow } from "./AlarmRow.tsx";

const AROUND = 12;
const ON_A_PHONE = 60;

export interface AlarmListProps {
  title: string;
  alarms: readonly Alarm[];
  /** Rows that wait, so that nothing moves under the pointer. */
  waiting: number;
  selected: ReadonlySet<string>;
  chosen: string;
  onChoose: (alarmId: string) => void;
  onSelect: (alarmId: string) => void;
  onSelectAll: (all: boolean) => void;
  onHold: (holding: boolean) => void;
  onShowWaiting: () => void;
  empty: ComponentChildren;
}

/** All of them are there for the reader and the keys; only those in sight are drawn. */
export function AlarmList(props: AlarmListProps) {
  const { alarms, selected, chosen, waiting } = props;
  const rows = useRef<HTMLDivElement>(null);
  const sight = useSignal({ top: 0, height: 800, row: 42 });
  const shown = useSignal(ON_A_PHONE);
  const isPhone = matchMedia("(max-width: 640px)").matches;
  const wells = live().overview.wells.value;

  useEffect(() => {
    const box = rows.current;
    if (box === null) return;
    const look = () => {
      const row = 2.625 * parseFloat(getComputedStyle(document.documentElement).fontSize);
      sight.value = { top: box.scrollTop, height: box.clientHeight, row };
    };
    look();
    const sized = new ResizeObserver(look);
    sized.observe(box);
    box.addEventListener("scroll", look, { passive: true });
    return () => {
      sized.disconnect();
      box.removeEventListener("scroll", look);
    };
  }, []);

  const at = alarms.findIndex((one) => one.alarmId === chosen);
  useEffect(() => {
    const box = rows.current;
    if (box === null || at < 0 || isPhone) return;
    const { row } = sight.peek();
    if (at * row < box.scrollTop) box.scrollTop = at * row;
    else if ((at + 1) * row > box.scrollTop + box.clientHeight) box.scrollTop = (at + 1) * row - box.clientHeight;
    if (box.contains(document.activeElement)) {
      requestAnimationFrame(() => box.querySelector<HTMLElement>(".alt.sel")?.focus({ preventScroll: true }));
    }
  }, [chosen]);

  const { top, height, row } = sight.value;
  const first = isPhone ? 0 : Math.max(0, Math.floor(top / row) - AROUND);
  const last = isPhone ? Math.min(alarms.length, shown.value) : Math.min(alarms.length, Math.ceil((top + height) / row) + AROUND);
  const wellOf = (wellId: string): OverviewWell | null => wells?.find((one) => one.wellId === wellId) ?? null;
  const focusRow = at < 0 ? alarms[first]?.alarmId : chosen;

  return (
    <section class="panel list" aria-label={props.title}>
      {waiting > 0 && (
        <div class="new" role="status">
          <Button onClick={props.onShowWaiting}>{waiting} new, show</Button>
        </div>
      )}
      {alarms.length === 0 && props.empty}
      <div hidden={alarms.length === 0} role="grid" aria-label={props.title} aria-rowcount={alarms.length + 1} aria-multiselectable="true" class="tbl col list">
        <div role="row" aria-rowindex={1} class="tr h alt">
          <span role="columnheader">
            <input
              type="checkbox"
              class="chk"
              aria-label="Select all"
              checked={alarms.length > 0 && alarms.every((one) => selected.has(one.alarmId))}
              onChange={(event) => props.onSelectAll(event.currentTarget.checked)}
            />
          </span>
          <span role="columnheader">
            <span class="vh">Priority</span>
          </span>
          <span role="columnheader">State</span>
          <span role="columnheader">Well</span>
          <span role="columnheader">Alarm and response</span>
          <span role="columnheader" class="num">
            Value, limit
          </span>
          <span role="columnheader" class="num" aria-sort="descending">
            Since ↓
          </span>
        </div>
        <div
          ref={rows}
          class="rows"
          role="rowgroup"
          onPointerEnter={() => props.onHold(true)}
          onPointerLeave={() => props.onHold(false)}
        >
          <div class="space" role="presentation" style={isPhone ? undefined : { height: `${alarms.length * row}px` }}>
            {alarms.slice(first, last).map((alarm, index) => (
              <AlarmRow
                key={alarm.alarmId}
                alarm={alarm}
                well={wellOf(alarm.wellId)}
                row={first + index + 1}
                isSelected={selected.has(alarm.alarmId)}
                isChosen={alarm.alarmId === focusRow}
                top={isPhone ? null : (first + index) * row}
                onChoose={() => props.onChoose(alarm.alarmId)}
                onSelect={() => props.onSelect(alarm.alarmId)}
              />
            ))}
          </div>
          {isPhone && alarms.length > shown.value && (
            <Button big onClick={() => (shown.value += ON_A_PHONE)}>
              Show {Math.min(ON_A_PHONE, alarms.length - shown.value)} more of {alarms.length}
            </Button>
          )}
        </div>
      </div>
      <div class="foot">
        <span class="grow">
          {alarms.length} alarms{selected.size > 0 && ` · ${selected.size} selected`} · unacknowledged first, then priority, then newest
        </span>
        <span>
          <kbd>Space</kbd> select
        </span>
        <span>
          <kbd>A</kbd> acknowledge
        </span>
        <span>
          <kbd>S</kbd> shelve
        </span>
        <span>
          <kbd>M</kbd> silence 2 min
        </span>
      </div>
    </section>
  );
}
