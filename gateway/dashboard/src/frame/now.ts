// The moment of the frame: once a second, by the gateway's clock.

import { signal } from "@preact/signals";
import { serverNow } from "../live/clock.ts";
import { everySecond } from "../live/frame-loop.ts";

/** Now [epoch ms]. For ages of whole seconds; anything finer asks serverNow(). */
export const nowMs = signal(serverNow());

/** Lets it run; answers how to stop. */
export function runClock(): () => void {
  nowMs.value = serverNow();
  return everySecond(() => {
    nowMs.value = serverNow();
  });
}
