import { useSignal } from "@preact/signals";
import { useMemo, useRef } from "preact/hooks";
import { counted } from "../../model/numbers.ts";
import { Empty } from "../../parts/Empty.tsx";
import { focusDrawn } from "../../parts/focus-drawn.ts";
import { usePhone } from "../../parts/use-phone.ts";
import { remPx, useVirtual } from "../../parts/use-virtual.ts";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { TagRow } from "./TagRow.tsx";
import { type TagOrder, listedTags, nextOrder } from "./tag-list.ts";

const COLUMNS = [
  { key: "title", text: "Tag" },
  { key: null, text: "Value" },
  { key: null, text: "Range" },
  { key: null, text: "Age" },
  { key: "address", text: "Address" },
  { key: null, text: "Limits" },
  { key: null, text: "Trend" },
] as const;

const ROW_REM = 2.75;
const CARD_REM = 6.5;

export interface TagTableProps {
  well: WellAnswer;
  alarms: readonly Alarm[];
}

/** Every tag of a well; also those that no picture has. Only rows in sight are drawn, each has live values. */
export function TagTable({ well, alarms }: TagTableProps) {
  const text = useSignal("");
  const order = useSignal<TagOrder>({ by: "title", descending: false });
  const box = useRef<HTMLDivElement>(null);
  const isPhone = usePhone();
  const tags = useMemo(() => listedTags(well.tags, text.value, order.value), [well.tags, text.value, order.value]);
  const keyOf = useMemo(() => {
    const keys = tags.map((tag) => `${tag.connectionId} ${tag.tagName}`);
    return (index: number) => keys[index] ?? "";
  }, [tags]);
  const rem = remPx();
  const virtual = useVirtual({
    count: tags.length,
    sizePx: () => (isPhone ? CARD_REM : ROW_REM) * rem,
    sizes: `${isPhone} ${rem}`,
    keyOf,
    box,
    ofWindow: true,
  });

  function move(event: KeyboardEvent) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const row = (event.target as Element).closest<HTMLElement>("a[data-row]")?.closest<HTMLElement>("[data-index]");
    if (by === undefined || row == null) return;
    event.preventDefault();
    const index = Math.min(Math.max(Number(row.dataset["index"]) + by, 0), tags.length - 1);
    virtual.show(index);
    focusDrawn(box.current, `[data-index="${index}"] a[data-row]`);
  }

  return (
    <section class="panel tags" aria-label="All tags">
      <header>
        <h2>All tags</h2>
        <label class="r row">
          <span class="vh">Find a tag</span>
          <input
            class="input"
            type="search"
            placeholder="Find by name, address or connection"
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        </label>
      </header>
      <div class="tbl" role="grid" aria-label="All tags" aria-rowcount={tags.length + 1} onKeyDown={move}>
        <div class="tr h wtg" role="row" aria-rowindex={1}>
          {COLUMNS.map(({ key, text: title }) =>
            key === null ? (
              <span key={title} role="columnheader">
                {title}
              </span>
            ) : (
              <span key={title} role="columnheader" aria-sort={order.value.by !== key ? "none" : order.value.descending ? "descending" : "ascending"}>
                <button type="button" class="sorts" onClick={() => (order.value = nextOrder(order.value, key))}>
                  {title}
                  {order.value.by === key && <span aria-hidden="true">{order.value.descending ? " ↓" : " ↑"}</span>}
                </button>
              </span>
            ),
          )}
        </div>
        <div class="space" role="rowgroup" ref={box} style={{ height: `${virtual.heightPx}px` }}>
          {virtual.rows.map(({ index, top }) => {
            const tag = tags[index];
            if (tag === undefined) return null;
            const own = alarms.filter((one) => one.tagName === tag.tagName);
            return <TagRow key={keyOf(index)} well={well} tag={tag} index={index} top={top} measure={virtual.measure} alarms={own} />;
          })}
        </div>
      </div>
      {well.tags.length === 0 && (
        <div class="pad">
          <Empty title="No tags">No connection reads a tag of this well now. A TagMapping names its tags.</Empty>
        </div>
      )}
      {well.tags.length > 0 && tags.length === 0 && <p class="pad dim2">No tag has “{text.value}” in its name, address or connection.</p>}
      {tags.length > 0 && (
        <div class="foot">
          <span>{tags.length === well.tags.length ? counted(tags.length, "tag") : `${tags.length} of ${counted(well.tags.length, "tag")}`}</span>
        </div>
      )}
    </section>
  );
}
