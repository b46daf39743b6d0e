// Values that change each second are written into the document; the framework draws only what has
// another form: a mark that comes, a pointer that goes.

import { useSignal } from "@preact/signals";
import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { live } from "../../live/live.ts";
import { type Presented, present } from "../../model/present.ts";
import type { TagFacts } from "../../rest/types/wells.ts";

export interface Written<E extends HTMLElement> {
  /** To draw; older than what stands in the document, which is why `turn` has to be a key of it. */
  shown: Presented;
  /** Key of whatever contains .v and .bar: drawn anew when the form changes. */
  turn: number;
  /** Around .v, .bar and [data-age]. */
  box: RefObject<E | null>;
}

export function useWritten<E extends HTMLElement>(wellId: string, tag: TagFacts): Written<E> {
  const box = useRef<E>(null);
  const state = useSignal({ shown: present(null, tag, { connected: true }), turn: 0 });
  useEffect(
    () =>
      live().wells.watchShown(wellId, tag, (now) => {
        const { shown, turn } = state.peek();
        if (box.current !== null && formOf(now) === formOf(shown)) write(box.current, now);
        else state.value = { shown: now, turn: turn + 1 };
      }),
    [wellId, tag],
  );
  return { ...state.value, box };
}

/** What cannot be changed by writing a text or moving a pointer. */
function formOf(shown: Presented): string {
  const { mark, label, unit, struck, reason, bar, pointer, notes } = shown;
  return JSON.stringify([mark, label, unit, struck, reason, bar, pointer === null ? null : pointer.beyond, notes]);
}

function write(box: HTMLElement, shown: Presented): void {
  const value = box.querySelector(".v");
  const text = (value?.querySelector("s") ?? value)?.firstChild;
  if (text instanceof Text && text.data !== shown.text) text.data = shown.text;
  const age = box.querySelector("[data-age]")?.firstChild;
  if (age instanceof Text && age.data !== shown.age) age.data = shown.age;
  const pointer = box.querySelector<HTMLElement>(".bar .at");
  if (pointer !== null && shown.pointer !== null) {
    pointer.style.setProperty("--v", `${(shown.pointer.at * 100).toFixed(2)}%`);
  }
}
