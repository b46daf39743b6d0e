// Why an action on an alarm was not done, in words: who was first and when, else the gateway's sentence. Pure.

import { clockText, msOrNull } from "../model/times.ts";
import { ProblemError } from "../rest/problem.ts";

export interface Refusal {
  problem: string | null;
  by: string | null;
  at: string | null;
}

/** The refusal of the only alarm that was named, which the gateway answers as a problem; null: it is another fault. */
export function refusalOf(error: unknown): Refusal | null {
  if (!(error instanceof ProblemError) || error.status !== 409) return null;
  const { by = null, at = null } = error.document ?? {};
  return { problem: error.message, by, at };
}

/** Refusal to a sentence, with the time in this zone. */
export function whyNotDone({ problem, by, at }: Refusal, zone: string): string {
  const when = msOrNull(at);
  if (by !== null && when !== null) return `${by} was first, at ${clockText(when, zone)}.`;
  return problem ?? "It was not done; the alarm has changed.";
}
