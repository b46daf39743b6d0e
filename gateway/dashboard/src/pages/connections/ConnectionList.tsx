import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { bytesText, formatNumber } from "../../model/numbers.ts";
import { Button } from "../../parts/Button.tsx";
import type { Connection } from "../../rest/types/connections.ts";
import { ConnectionRow } from "./ConnectionRow.tsx";

export interface ConnectionListProps {
  connections: readonly Connection[];
  chosen: string;
  /** How many stand elsewhere in the wanted order, while somebody points at the list. */
  moved: number;
  onChoose: (connectionId: string) => void;
  onHold: (holding: boolean) => void;
  empty: ComponentChildren;
}

export function ConnectionList({ connections, chosen, moved, onChoose, onHold, empty }: ConnectionListProps) {
  const rows = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const row = rows.current?.querySelector<HTMLElement>(".cng.sel");
    row?.scrollIntoView({ block: "nearest" });
    if (rows.current?.contains(document.activeElement)) row?.focus({ preventScroll: true });
  }, [chosen]);
  const sizes = new Set(connections.map((one) => one.journal.sizeBytes));
  const [size] = sizes;
  return (
    <section class="panel list" aria-label="Connections">
      {moved > 0 && (
        <div class="new" role="status">
          <Button onClick={() => onHold(false)}>{moved} moved, sort again</Button>
        </div>
      )}
      {connections.length === 0 && empty}
      <div hidden={connections.length === 0} role="grid" aria-label="Connections" aria-rowcount={connections.length + 1} class="tbl col grid">
        <div role="row" aria-rowindex={1} class="tr h cng">
          <span role="columnheader" aria-sort="descending">
            State ↓
          </span>
          <span role="columnheader">Connection</span>
          <span role="columnheader">Since</span>
          <span role="columnheader">Tags, rejected</span>
          <span role="columnheader">Journal{sizes.size === 1 && size != null ? ` of ${bytesText(size)}` : ""}</span>
          <span role="columnheader">Last 24 h</span>
          <span role="columnheader" class="num">
            Reading
          </span>
        </div>
        <div ref={rows} class="rows" role="rowgroup" onPointerEnter={() => onHold(true)} onPointerLeave={() => onHold(false)}>
          {connections.map((one, index) => (
            <ConnectionRow
              key={one.connectionId}
              connection={one}
              row={index + 1}
              isChosen={one.connectionId === chosen}
              onChoose={() => onChoose(one.connectionId)}
            />
          ))}
        </div>
      </div>
      <div class="foot only-desk">
        <span class="grow">{formatNumber(connections.length, 0)} · worst first</span>
        <span>bar = connected · hatched = no connection · empty = nobody read it</span>
      </div>
    </section>
  );
}
