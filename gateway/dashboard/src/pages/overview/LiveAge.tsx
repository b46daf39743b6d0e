import { useEffect, useRef } from "preact/hooks";
import { serverNow } from "../../live/clock.ts";
import { everySecond } from "../../live/frame-loop.ts";
import { live } from "../../live/live.ts";
import type { OverviewRow } from "../../live/overview.ts";
import { isConnected } from "../../model/attention.ts";
import { ageText, msOf } from "../../model/times.ts";

/** How long since a moment; written each second. */
export function LiveAge({ sinceMs }: { sinceMs: number }) {
  const text = useRef<HTMLSpanElement>(null);
  useEffect(() => {
    const write = () => put(text.current, ageText(serverNow() - sinceMs));
    write();
    return everySecond(write);
  }, [sinceMs]);
  return <span ref={text} />;
}

/** How old the newest of a well's key values is; heavier where its device is not heard. */
export function RowAge({ wellId }: { wellId: string }) {
  const text = useRef<HTMLSpanElement>(null);
  useEffect(
    () =>
      live().overview.watchRow(wellId, (row) => {
        const element = text.current;
        if (element === null) return;
        const atMs = newestMs(row);
        put(element, atMs === null ? "–" : ageText(serverNow() - atMs));
        const isOld = row === null || !row.connections.some(isConnected) || !live().socket.isOpen;
        element.classList.toggle("old", isOld);
      }),
    [wellId],
  );
  return <span ref={text} class="age" />;
}

/** Of values, not of the silence after them; null: none came. */
function newestMs(row: OverviewRow | null): number | null {
  let newest = -Infinity;
  row?.values.forEach((value, at) => {
    const known = row.lastKnown[at];
    const ms = known?.tMs ?? (value === null || value[0] === null ? Number.NaN : msOf(value[3]));
    if (ms > newest) newest = ms;
  });
  return newest === -Infinity ? null : newest;
}

function put(element: HTMLElement | null, text: string): void {
  if (element !== null && element.textContent !== text) element.textContent = text;
}
