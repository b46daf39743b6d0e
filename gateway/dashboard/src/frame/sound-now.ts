// The alarm sound of the alarms as they are, and what a press on its button does.

import { computed, effect, signal } from "@preact/signals";
import { live } from "../live/live.ts";
import { TO_ACKNOWLEDGE } from "../model/alarms.ts";
import { isLive } from "./gateway.ts";
import { nowMs } from "./now.ts";
import { type Silence, silenced, sounding } from "./sound-rule.ts";
import { playAlarm, soundBlocked, unblockSound } from "./sound.ts";

const silence = signal<Silence | null>(null);
const unacknowledged = computed(() =>
  isLive.value ? live().alarms.all.value.filter((one) => TO_ACKNOWLEDGE.has(one.state)) : [],
);
const heard = computed(() => {
  // what cannot be acknowledged, and may be over, makes no noise; it is back with the gateway
  const isAway = !isLive.value || live().state.value.kind === "offline";
  return sounding(isAway ? [] : unacknowledged.value, silence.value, nowMs.value);
});
const priority = computed(() => heard.value.priority);

export const soundState = computed<{
  state: "on" | "silenced" | "blocked";
  untilMs: number | null;
}>(() => {
  const untilMs = heard.value.silencedUntilMs;
  if (untilMs !== null) return { state: "silenced", untilMs };
  return { state: soundBlocked.value ? "blocked" : "on", untilMs: null };
});

/** Silences for 2 minutes; ends a silence; lets a browser sound that holds it back. */
export function pressSound(): void {
  switch (soundState.peek().state) {
    case "blocked":
      unblockSound();
      break;
    case "silenced":
      silence.value = null;
      break;
    default:
      silence.value = silenced(unacknowledged.peek(), nowMs.peek());
  }
}

/** Sounds from now on; answers how to stop. */
export function runSound(): () => void {
  const stop = effect(() => playAlarm(priority.value));
  const pressed = () => {
    if (soundBlocked.peek()) unblockSound();
  };
  addEventListener("pointerdown", pressed);
  addEventListener("keydown", pressed);
  return () => {
    stop();
    playAlarm(null);
    removeEventListener("pointerdown", pressed);
    removeEventListener("keydown", pressed);
  };
}
