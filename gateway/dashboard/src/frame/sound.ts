// The tones of alarms, made by the browser itself.

import { signal } from "@preact/signals";
import type { Priority } from "../rest/types/alarms.ts";

interface Pattern {
  hertz: number;
  beeps: number;
  everyMs: number;
}

/** Higher, more and more often for what is more urgent, so that they differ without a look. */
const PATTERNS: Record<1 | 2 | 3, Pattern> = {
  1: { hertz: 988, beeps: 3, everyMs: 2_000 },
  2: { hertz: 659, beeps: 2, everyMs: 4_000 },
  3: { hertz: 440, beeps: 1, everyMs: 8_000 },
};
const BEEP_S = 0.14;
const PAUSE_S = 0.09;
const LOUDNESS = 0.25;

/** The browser lets nothing sound until somebody has pressed something in this window. */
export const soundBlocked = signal(false);

let context: AudioContext | null = null;
let playing: Priority | null = null;
let timer: ReturnType<typeof setInterval> | undefined;

/** Sounds for this priority from now on; null: stops. */
export function playAlarm(priority: Priority | null): void {
  if (priority === playing) return;
  clearInterval(timer);
  timer = undefined;
  playing = priority;
  if (priority === null || priority === 4) {
    soundBlocked.value = false;
    return;
  }
  const pattern = PATTERNS[priority];
  beep(pattern);
  timer = setInterval(() => beep(pattern), pattern.everyMs);
}

/** To be called from a press: lets the browser sound. */
export function unblockSound(): void {
  void opened()
    ?.resume()
    .then(() => {
      soundBlocked.value = false;
    });
}

function beep(pattern: Pattern): void {
  const audio = opened();
  if (audio === null || audio.state !== "running") {
    soundBlocked.value = true;
    return;
  }
  soundBlocked.value = false;
  for (let number = 0; number < pattern.beeps; number++) {
    const from = audio.currentTime + number * (BEEP_S + PAUSE_S);
    const tone = new OscillatorNode(audio, { frequency: pattern.hertz, type: "triangle" });
    const gain = new GainNode(audio, { gain: 0 });
    gain.gain.setTargetAtTime(LOUDNESS, from, 0.008);
    gain.gain.setTargetAtTime(0, from + BEEP_S, 0.02);
    tone.connect(gain).connect(audio.destination);
    tone.start(from);
    tone.stop(from + BEEP_S + 0.15);
  }
}

function opened(): AudioContext | null {
  if (typeof AudioContext === "undefined") return null;
  context ??= new AudioContext();
  return context;
}
