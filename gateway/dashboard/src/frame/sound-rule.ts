// When the alarm sound is heard. Pure; sound.ts makes the tones.

import type { Priority } from "../rest/types/alarms.ts";

export const SILENCE_MS = 120_000;

/** Somebody pressed Silence. critical: alarms of priority 1 that were unacknowledged then. */
export interface Silence {
  untilMs: number;
  critical: ReadonlySet<string>;
}

export interface Sounding {
  /** Which tones; null: none. */
  priority: Priority | null;
  /** null: nothing is silenced. */
  silencedUntilMs: number | null;
}

/** Unacknowledged alarms to what is heard. Priority 4 makes no sound. */
export function sounding(
  unacknowledged: Iterable<{ alarmId: string; priority: Priority }>,
  silence: Silence | null,
  nowMs: number,
): Sounding {
  let worst: Priority | null = null;
  let broken = false;
  for (const { alarmId, priority } of unacknowledged) {
    if (priority === 4) continue;
    if (worst === null || priority < worst) worst = priority;
    if (priority === 1 && silence !== null && !silence.critical.has(alarmId)) broken = true;
  }
  const silenced = silence !== null && !broken && nowMs < silence.untilMs;
  return {
    priority: silenced ? null : worst,
    silencedUntilMs: silenced ? silence.untilMs : null,
  };
}

/** Silence from now on: 2 minutes, or until a new alarm of priority 1. */
export function silenced(
  unacknowledged: Iterable<{ alarmId: string; priority: Priority }>,
  nowMs: number,
): Silence {
  const critical = new Set<string>();
  for (const { alarmId, priority } of unacknowledged) if (priority === 1) critical.add(alarmId);
  return { untilMs: nowMs + SILENCE_MS, critical };
}
