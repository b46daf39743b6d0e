// Which value's card is open: on hover and focus soon, on a long press for fingers. One at a time.

import { signal } from "@preact/signals";
import type { Stop } from "../../live/frame-loop.ts";
import type { TagFacts } from "../../rest/types/wells.ts";

const OPEN_MS = 250;
const CLOSE_MS = 250;
const LONG_PRESS_MS = 500;

export const opened = signal<{ anchor: Element; tag: TagFacts } | null>(null);

let timer: ReturnType<typeof setTimeout> | undefined;

/** Opens the card of a tag at an element; answers how to let it be. */
export function tieCard(element: Element, tag: TagFacts): Stop {
  const control = new AbortController();
  const options = { signal: control.signal };
  let isPressed = false;
  let wasLong = false;
  let press: ReturnType<typeof setTimeout> | undefined;
  const open = () => (opened.value = { anchor: element, tag });
  const isMouse = (event: Event) => (event as PointerEvent).pointerType === "mouse";

  element.addEventListener("pointerenter", (event) => isMouse(event) && later(open, OPEN_MS), options);
  element.addEventListener("pointerleave", (event) => isMouse(event) && leaveCard(), options);
  // a press focuses, too: only the keyboard's focus opens
  element.addEventListener("focus", () => !isPressed && element.matches(":focus-visible") && later(open, 0), options);
  element.addEventListener("blur", () => leaveCard(), options);
  element.addEventListener(
    "pointerdown",
    (event) => {
      isPressed = true;
      wasLong = false;
      if (isMouse(event)) return;
      press = setTimeout(() => {
        wasLong = true;
        open();
      }, LONG_PRESS_MS);
    },
    options,
  );
  for (const end of ["pointerup", "pointercancel", "pointermove"] as const) {
    element.addEventListener(
      end,
      (event) => {
        if (end === "pointermove" && Math.hypot((event as PointerEvent).movementX, (event as PointerEvent).movementY) < 4) return;
        clearTimeout(press);
        isPressed = false;
      },
      options,
    );
  }
  element.addEventListener("contextmenu", (event) => (wasLong || press !== undefined) && !isMouse(event) && wasLong && event.preventDefault(), options);
  // what a long press opened is not also a click
  element.addEventListener(
    "click",
    (event) => {
      if (!wasLong) return closeCard();
      event.preventDefault();
      event.stopImmediatePropagation();
      wasLong = false;
    },
    { ...options, capture: true },
  );
  return () => {
    control.abort();
    clearTimeout(press);
    if (opened.peek()?.anchor === element) closeCard();
  };
}

/** The pointer is in the card: it stays. */
export function keepCard(): void {
  clearTimeout(timer);
}

/** It goes, unless the pointer comes back soon. */
export function leaveCard(): void {
  later(closeCard, CLOSE_MS);
}

export function closeCard(): void {
  clearTimeout(timer);
  if (opened.peek() !== null) opened.value = null;
}

function later(what: () => void, ms: number): void {
  clearTimeout(timer);
  timer = setTimeout(what, ms);
}
