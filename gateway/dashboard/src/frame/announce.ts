// What a screen reader is told without being asked. Values never are; alarms are.

import { signal } from "@preact/signals";

export const POLITE_EVERY_MS = 10_000;

/** Interrupts: priority 1, and the loss of the gateway. */
export const urgentWords = signal("");
/** Waits for a pause; at most one in 10 s. */
export const calmWords = signal("");

let waiting: string | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let lastAt = -Infinity;

/** Says it at once. */
export function announceUrgent(text: string): void {
  urgentWords.value = changed(text, urgentWords.peek());
}

/** Says it when its turn comes; a later one takes the place of one that still waits. */
export function announce(text: string, now: () => number = () => performance.now()): void {
  waiting = text;
  if (timer !== undefined) return;
  const wait = Math.max(0, lastAt + POLITE_EVERY_MS - now());
  timer = setTimeout(() => {
    timer = undefined;
    lastAt = now();
    if (waiting !== null) calmWords.value = changed(waiting, calmWords.peek());
    waiting = null;
  }, wait);
}

/** The same words twice are heard twice only if the text differs. */
function changed(text: string, before: string): string {
  return text === before ? `${text}\u00a0` : text;
}
