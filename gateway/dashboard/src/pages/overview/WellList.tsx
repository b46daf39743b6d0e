import { useSignal } from "@preact/signals";
import { useCallback, useMemo, useRef } from "preact/hooks";
import { live } from "../../live/live.ts";
import { holdOrder, titleOf } from "../../model/attention.ts";
import { penText } from "../../model/links.ts";
import { counted } from "../../model/numbers.ts";
import { Button } from "../../parts/Button.tsx";
import { focusDrawn } from "../../parts/focus-drawn.ts";
import { useVirtual } from "../../parts/use-virtual.ts";
import { ListKeys } from "./ListKeys.tsx";
import { RouteRow } from "./RouteRow.tsx";
import { WellRow, penOf } from "./WellRow.tsx";
import type { Judged } from "./judged.ts";
import { type Item, byRoute, columnTitles, itemsOf } from "./listed.ts";
import type { ScreenSize } from "./use-screen.ts";
import { SPARK_HOURS, useSparks } from "./use-sparks.ts";

const ROW_REM = 2.625;
const CARD_REM = 8.375;

export interface WellListProps {
  judged: readonly Judged[];
  /** Of all wells, not only of those that are listed. */
  all: number;
  /** Changes when something else is listed: then the order is not held. */
  narrowed: string;
  /** Too many alarms at once: the wells stand by route. */
  isFlood: boolean;
  screen: ScreenSize;
}

/** All wells by attention. The order stays while somebody points at the list or has the focus in it. */
export function WellList({ judged, all, narrowed, isFlood, screen }: WellListProps) {
  const box = useRef<HTMLDivElement>(null);
  const holds = useSignal({ pointer: false, focus: false });
  const chosen = useSignal<string | null>(null);
  const { items, moved, release } = useHeld(judged, `${narrowed} ${isFlood}`, isHeld(holds.value), isFlood);
  const columns = useStable(columnTitles(judged.map(({ well }) => well), titleOf));
  const rem = screen.remPx;
  const virtual = useVirtual({
    count: items.length,
    sizePx: (index) =>
      Math.round((screen.isPhone && items[index]?.kind === "well" ? CARD_REM : ROW_REM) * rem),
    sizes: `${rem} ${screen.isPhone} ${isFlood}`,
    box,
    ofWindow: screen.isPhone,
  });
  const inSight = virtual.rows.map(({ index, top }) => ({ item: items[index], top, row: index + 1 }));
  const spark = useSparks(
    inSight.flatMap(({ item }) => (item?.kind === "well" ? (penTextOf(item.judged) ?? []) : [])),
    live().state.value.kind === "offline",
  );

  const at = items.findIndex((item) => item.key === chosen.value);
  const onChoose = useCallback((key: string) => (chosen.value = key), []);
  const focusRow = (index: number) => {
    const item = items[index];
    if (item === undefined) return;
    chosen.value = item.key;
    virtual.show(index);
    focusDrawn(box.current, `[data-key="${CSS.escape(item.key)}"]`);
  };
  // a row with the focus that scrolls away must not take the focus with it
  const firstInSight = inSight.find(({ item }) => item?.kind === "well")?.item?.key;
  const isChosenDrawn = inSight.some(({ item }) => item?.key === chosen.value);
  const tabStop = isChosenDrawn ? chosen.value : firstInSight;

  return (
    <>
      <ListKeys items={items} at={at} pageRows={Math.max(1, virtual.last - virtual.first - 1)} onGo={focusRow} hasFocus={holds.value.focus} />
      <div
        class="held"
        onPointerEnter={(event) => event.pointerType !== "touch" && (holds.value = { ...holds.value, pointer: true })}
        onPointerLeave={() => (holds.value = { ...holds.value, pointer: false })}
        onFocusIn={() => (holds.value = { ...holds.value, focus: true })}
        onFocusOut={() => (holds.value = { ...holds.value, focus: false })}
      >
        {moved > 0 && (
          <div class="moved" role="status">
            <Button onClick={release}>
              <b>{moved} moved</b> sort again
            </Button>
          </div>
        )}
        <div class="grid" role="grid" aria-label="Wells, those that need attention first" aria-rowcount={items.length + 1}>
        <Head columns={columns} />
        <div class="rows" role="rowgroup" ref={box}>
          <div class="space" role="presentation" style={{ height: `${virtual.heightPx}px` }}>
            {inSight.map(({ item, top, row }) => {
              if (item === undefined) return null;
              if (item.kind === "route") return <RouteRow {...item} row={row} top={top} cells={columns.length + 5} />;
              return (
                <WellRow
                  key={item.key}
                  judged={item.judged}
                  others={item.others}
                  row={row}
                  top={top}
                  isChosen={item.key === chosen.value}
                  isTabStop={item.key === tabStop}
                  columns={columns}
                  spark={spark(penTextOf(item.judged) ?? "")}
                  onChoose={onChoose}
                />
              );
            })}
          </div>
        </div>
        </div>
      </div>
      <div class="foot only-desk">
        <span class="grow">
          {items.length === 0
            ? "No well is like that now."
            : `Rows ${virtual.first + 1}–${Math.min(virtual.last + 1, items.length)} of ${items.length}${judged.length === all ? "" : ` (${counted(all, "well")} in all)`}. Order is held while you point at the list.`}
        </span>
        <span><kbd>↑</kbd> <kbd>↓</kbd> move</span>
        <span><kbd>Enter</kbd> well</span>
        <span><kbd>T</kbd> trend</span>
        <span><kbd>F</kbd> filter</span>
        <span><kbd>?</kbd> all keys</span>
      </div>
    </>
  );
}

function Head({ columns }: { columns: readonly (string | null)[] }) {
  return (
    <div role="row" aria-rowindex={1} class="tr h ovg">
      <span role="columnheader"><span class="vh">State</span></span>
      <span role="columnheader">Well</span>
      <span role="columnheader" aria-sort="descending" data-sort>Why it is here <span aria-hidden="true">↓</span></span>
      {columns.map((title, at) => (
        <span key={at} role="columnheader" class="cut">{title ?? `Key value ${at + 1}`}</span>
      ))}
      <span role="columnheader">Trend, {SPARK_HOURS} h</span>
      <span role="columnheader" class="num">Age</span>
    </div>
  );
}

/** The order that is shown, and how to let it go. */
function useHeld(judged: readonly Judged[], narrowed: string, isHolding: boolean, isFlood: boolean) {
  const shown = useRef<{ narrowed: string; order: readonly string[] }>({ narrowed, order: [] });
  const released = useSignal(0);
  const wanted = useMemo(() => itemsOf(judged), [judged]);
  const held = useMemo(() => {
    const before = shown.current.narrowed === narrowed ? shown.current.order : [];
    return holdOrder(before, wanted.map((item) => item.key), isHolding && before.length > 0);
  }, [wanted, narrowed, isHolding, released.value]);
  shown.current = { narrowed, order: held.order };
  const items = useMemo(() => {
    const byKey = new Map(wanted.map((item) => [item.key, item]));
    const ordered = held.order.flatMap((key) => byKey.get(key) ?? []);
    return isFlood ? byRoute(ordered) : ordered;
  }, [held, isFlood]);
  const release = () => {
    shown.current = { narrowed, order: [] };
    released.value += 1;
  };
  return { items, moved: held.moved, release };
}

function isHeld(by: { pointer: boolean; focus: boolean }): boolean {
  return by.pointer || by.focus;
}

/** The same array as long as it says the same, so that rows need not be drawn anew. */
function useStable(titles: (string | null)[]): readonly (string | null)[] {
  const before = useRef<readonly (string | null)[]>(titles);
  if (titles.join("\n") !== before.current.join("\n") || titles.length !== before.current.length) before.current = titles;
  return before.current;
}

function penTextOf(judged: Judged): string | null {
  const tagName = penOf(judged);
  return tagName === null ? null : penText({ wellId: judged.wellId, tagName });
}

export type { Item };
