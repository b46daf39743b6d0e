import { useSignal } from "@preact/signals";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import { live } from "../../live/live.ts";
import { titleOf } from "../../model/attention.ts";
import { barOf } from "../../model/limits.ts";
import type { Presented } from "../../model/present.ts";
import { AnalogBar } from "../../parts/AnalogBar.tsx";
import { QualityMark } from "../../parts/QualityMark.tsx";
import { valueClass } from "../../parts/ValueCell.tsx";
import type { Priority } from "../../rest/types/alarms.ts";
import type { TagFacts } from "../../rest/types/wells.ts";

export interface KeyCellProps {
  wellId: string;
  /** Which of the well's key tags. */
  at: number;
  tag: TagFacts;
  /** Its name, where the column has none for all wells. */
  label: string | null;
  /** Of the alarm that stands on it. */
  priority: Priority | null;
}

/** A key value with its bar. Its text and pointer are written in frames; only its looks are Preact's. */
export function KeyCell({ wellId, at, tag, label, priority }: KeyCellProps) {
  const box = useRef<HTMLDivElement>(null);
  const latest = useRef(live().overview.shown(wellId, at));
  const look = useSignal(latest.current);
  useEffect(
    () =>
      live().overview.watchRow(wellId, () => {
        const shown = live().overview.shown(wellId, at);
        latest.current = shown;
        if (looks(shown) === looks(look.peek())) write(box.current, shown);
        else look.value = shown;
      }),
    [wellId, at],
  );
  useLayoutEffect(() => write(box.current, latest.current));

  const shown = look.value;
  const hasValue = shown.mark !== "none" && !(shown.mark === "bad" && !shown.struck);
  const mark = <QualityMark mark={shown.mark} label={shown.label} glyphOnly={shown.mark !== "bad" && hasValue} />;
  const text = shown.struck ? <s class="t" /> : <span class="t" />;
  return (
    <div class="m" ref={box} title={shown.mark === "good" ? undefined : shown.words}>
      <div class="mtop" data-label={titleOf(tag)}>
        {shown.mark === "bad" && mark}
        {hasValue && (
          <span class={valueClass(shown)}>
            {text}
            {shown.unit !== "" && !shown.struck && <i>{shown.unit}</i>}
          </span>
        )}
        {shown.mark !== "bad" && mark}
        {label !== null && <small class="lab cut">{label}</small>}
      </div>
      {!isState(tag) && (
        <div aria-hidden="true">
          <AnalogBar tag={tag} shown={shown} priority={priority} />
        </div>
      )}
    </div>
  );
}

/** Words for values, and no range: there is nothing to point at. */
function isState(tag: TagFacts): boolean {
  return Object.keys(tag.stateNames).length > 0 && barOf(tag) === null;
}

/** What Preact has to draw anew when it changes; text and pointer are not among it. */
function looks(shown: Presented): string {
  const { mark, label, struck, unit, bar, pointer, notes } = shown;
  const place = pointer === null ? "none" : (pointer.beyond ?? "within");
  return [mark, label, struck, unit, bar, place, ...notes].join("|");
}

function write(box: HTMLElement | null, shown: Presented): void {
  if (box === null) return;
  const text = box.querySelector<HTMLElement>(".t");
  if (text !== null) {
    if (text.firstChild === null) text.append(shown.text);
    else if (text.firstChild.nodeValue !== shown.text) text.firstChild.nodeValue = shown.text;
  }
  if (shown.pointer === null) return;
  const pointer = box.querySelector<HTMLElement>(".at");
  pointer?.style.setProperty("--v", `${(shown.pointer.at * 100).toFixed(2)}%`);
}
