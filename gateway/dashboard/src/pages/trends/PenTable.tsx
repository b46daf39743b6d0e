import type { ComponentChildren } from "preact";
import { clockText } from "../../model/times.ts";
import type { Pen } from "../../model/links.ts";
import type { Board } from "./board.ts";
import { PenRow } from "./PenRow.tsx";

export interface PenTableProps {
  board: Board;
  pens: readonly Pen[];
  remove: (pen: Pen) => void;
  foot: ComponentChildren;
}

/** The plot's twin in words: each pen's value at the cursor, what the range holds, and now. */
export function PenTable({ board, pens, remove, foot }: PenTableProps) {
  const frame = board.frame.value;
  const atMs = board.cursorMs.value;
  const at = atMs === null || frame === null ? "cursor" : clockText(atMs, frame.zone);
  return (
    <section class="panel tpens" aria-label="Pens">
      <div class="tbl" role="table" aria-label="Pens and their values">
        <div role="rowgroup">
          <div class="tr h pens" role="row">
            <span role="columnheader">Pen</span>
            <span role="columnheader">Well and tag</span>
            <span role="columnheader" class="num">
              At {at}
            </span>
            <span role="columnheader" class="num">
              Min
            </span>
            <span role="columnheader" class="num">
              Mean, GOOD
            </span>
            <span role="columnheader" class="num">
              Max
            </span>
            <span role="columnheader" class="num">
              Now
            </span>
            <span role="columnheader">Quality in view</span>
            <span role="columnheader" class="num">
              Age
            </span>
            <span role="columnheader">
              <span class="vh">Remove</span>
            </span>
          </div>
        </div>
        <div role="rowgroup">
          {pens.map((pen, index) => (
            <PenRow key={`${pen.wellId}/${pen.tagName}`} board={board} pen={pen} index={index} remove={() => remove(pen)} />
          ))}
        </div>
      </div>
      {foot}
    </section>
  );
}
