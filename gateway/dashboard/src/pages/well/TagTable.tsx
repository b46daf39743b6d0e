import { useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { counted } from "../../model/numbers.ts";
import { Button } from "../../parts/Button.tsx";
import { Empty } from "../../parts/Empty.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { TagRow } from "./TagRow.tsx";
import { A_PAGE, type TagOrder, listedTags, nextOrder } from "./tag-list.ts";

const COLUMNS = [
  { key: "title", text: "Tag" },
  { key: null, text: "Value" },
  { key: null, text: "Range" },
  { key: null, text: "Age" },
  { key: "address", text: "Address" },
  { key: null, text: "Limits" },
  { key: null, text: "Trend" },
] as const;

export interface TagTableProps {
  well: WellAnswer;
  alarms: readonly Alarm[];
}

/** Every tag of a well; also those that no picture has. */
export function TagTable({ well, alarms }: TagTableProps) {
  const text = useSignal("");
  const order = useSignal<TagOrder>({ by: "title", descending: false });
  const page = useSignal(0);
  const grid = useRef<HTMLDivElement>(null);
  const tags = listedTags(well.tags, text.value, order.value);
  const pages = Math.max(1, Math.ceil(tags.length / A_PAGE));
  const at = Math.min(page.value, pages - 1);
  const shown = tags.slice(at * A_PAGE, (at + 1) * A_PAGE);

  function move(event: KeyboardEvent) {
    const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    const links = [...(grid.current?.querySelectorAll<HTMLElement>("a[data-row]") ?? [])];
    const from = links.indexOf(document.activeElement as HTMLElement);
    if (by === undefined || from < 0) return;
    event.preventDefault();
    links[Math.min(Math.max(from + by, 0), links.length - 1)]?.focus();
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
            onInput={(event) => {
              text.value = event.currentTarget.value;
              page.value = 0;
            }}
          />
        </label>
      </header>
      <div class="tbl" role="grid" aria-label="All tags" aria-rowcount={tags.length + 1} ref={grid} onKeyDown={move}>
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
        {shown.map((tag, index) => (
          <TagRow key={`${tag.connectionId} ${tag.tagName}`} well={well} tag={tag} index={at * A_PAGE + index} alarms={alarms.filter((one) => one.tagName === tag.tagName)} />
        ))}
      </div>
      {well.tags.length === 0 && (
        <div class="pad">
          <Empty title="No tags">No connection reads a tag of this well now. A TagMapping names its tags.</Empty>
        </div>
      )}
      {well.tags.length > 0 && tags.length === 0 && <p class="pad dim2">No tag has “{text.value}” in its name, address or connection.</p>}
      {pages > 1 && (
        <div class="row pad">
          <Button onClick={() => (page.value = at - 1)} off={at === 0 ? "These are the first." : null} offSaidNearby>
            Before
          </Button>
          <span>
            {at * A_PAGE + 1} to {at * A_PAGE + shown.length} of {counted(tags.length, "tag")}
          </span>
          <Button onClick={() => (page.value = at + 1)} off={at === pages - 1 ? "These are the last." : null} offSaidNearby>
            After
          </Button>
        </div>
      )}
    </section>
  );
}
