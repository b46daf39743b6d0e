import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { bytesText, formatNumber } from "../../model/numbers.ts";
import { Button } from "../../parts/Button.tsx";
import { focusDrawn } from "../../parts/focus-drawn.ts";
import { usePhone } from "../../parts/use-phone.ts";
import { remPx, useVirtual } from "../../parts/use-virtual.ts";
import type { Connection } from "../../rest/types/connections.ts";
import { ConnectionRow } from "./ConnectionRow.tsx";

const ROW_REM = 2.625;
const CARD_REM = 4.5;

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
  const isPhone = usePhone();
  const rem = remPx();
  const virtual = useVirtual({
    count: connections.length,
    sizePx: () => (isPhone ? CARD_REM : ROW_REM) * rem,
    sizes: `${isPhone} ${rem}`,
    keyOf: (index) => connections[index]?.connectionId ?? "",
    box: rows,
    ofWindow: isPhone,
  });
  const at = connections.findIndex((one) => one.connectionId === chosen);
  useEffect(() => {
    if (at < 0 || isPhone) return;
    const hasFocus = rows.current?.contains(document.activeElement) ?? false;
    virtual.show(at);
    if (hasFocus) focusDrawn(rows.current, `[data-connection="${CSS.escape(chosen)}"]`);
  }, [chosen]);
  const isChosenDrawn = virtual.rows.some(({ index }) => index === at);
  const tabStop = isChosenDrawn ? at : virtual.first;
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
          <div class="space" role="presentation" style={{ height: `${virtual.heightPx}px` }}>
            {virtual.rows.map(({ index, top }) => {
              const one = connections[index];
              if (one === undefined) return null;
              return (
                <ConnectionRow
                  key={one.connectionId}
                  connection={one}
                  index={index}
                  top={top}
                  measure={virtual.measure}
                  isChosen={index === at}
                  isTabStop={index === tabStop}
                  onChoose={() => onChoose(one.connectionId)}
                />
              );
            })}
          </div>
        </div>
      </div>
      <div class="foot only-desk">
        <span class="grow">{formatNumber(connections.length, 0)} · worst first</span>
        <span>bar = connected · hatched = no connection · empty = nobody read it</span>
      </div>
    </section>
  );
}
