import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";
import type { Pen } from "../../model/links.ts";
import { pensOfDrop } from "./dropped.ts";

const SAID_FOR_MS = 12_000;

export interface PenDropProps {
  pens: readonly Pen[];
  add: (pens: readonly Pen[]) => void;
  children: ComponentChildren;
}

/** Where a link of a value or a trend can be dropped: its pens are added, anything else is refused in words. */
export function PenDrop({ pens, add, children }: PenDropProps) {
  const [isOver, setOver] = useState(false);
  const [said, setSaid] = useState<string | null>(null);

  useEffect(() => {
    if (said === null) return;
    const timer = setTimeout(() => setSaid(null), SAID_FOR_MS);
    return () => clearTimeout(timer);
  }, [said]);

  // taken whatever it is: the browser would leave the page for it
  function over(event: DragEvent) {
    event.preventDefault();
    if (event.dataTransfer !== null) event.dataTransfer.dropEffect = "copy";
    setOver(true);
  }

  function leave(event: DragEvent) {
    if (!(event.currentTarget as Element).contains(event.relatedTarget as Node | null)) setOver(false);
  }

  function drop(event: DragEvent) {
    event.preventDefault();
    setOver(false);
    const dropped = pensOfDrop(event.dataTransfer?.getData("text/uri-list") ?? "", location.origin, pens);
    setSaid(dropped.said);
    if (dropped.pens.length > 0) add(dropped.pens);
  }

  return (
    <div class={isOver ? "tdrop is-over" : "tdrop"} onDragEnter={over} onDragOver={over} onDragLeave={leave} onDrop={drop}>
      <p class={said === null ? "vh" : "note tsaid"} role="status">
        {said}
      </p>
      {children}
    </div>
  );
}
