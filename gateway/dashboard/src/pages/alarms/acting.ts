// What people do to alarms, and what became of it for each one.

import { signal } from "@preact/signals";
import { client } from "../../frame/gateway.ts";
import { refusalOf, whyNotDone } from "../../frame/not-done.ts";
import { zone } from "../../frame/zone.ts";
import { sentenceOfError } from "../../rest/problem.ts";
import type { Alarm, AlarmAction } from "../../rest/types/alarms.ts";

const AT_ONCE = 500;

/** What the last action was not done to, and why: by alarm. It stands in the alarm's row. */
export const refusals = signal<ReadonlyMap<string, string>>(new Map());
/** An action is on its way. */
export const isActing = signal(false);
/** What went wrong with the last one as a whole, as a sentence. */
export const actProblem = signal<string | null>(null);

export interface Words {
  comment?: string;
  reason?: string;
  minutes?: number;
}

/** Does it to all of them as they are on the screen. Answers to how many it was done. */
export async function act(action: AlarmAction, alarms: readonly Alarm[], words: Words = {}): Promise<number> {
  if (alarms.length === 0 || isActing.peek()) return 0;
  isActing.value = true;
  actProblem.value = null;
  let done = 0;
  const refused = new Map(refusals.peek());
  try {
    for (let at = 0; at < alarms.length; at += AT_ONCE) {
      const part = alarms.slice(at, at + AT_ONCE).map(({ alarmId, version }) => ({ alarmId, version }));
      const answer = await client.actOnAlarms(action, { alarms: part, ...words });
      done += answer.done;
      for (const one of answer.alarms) {
        if (one.done) refused.delete(one.alarmId);
        else refused.set(one.alarmId, whyNotDone(one, zone.peek()));
      }
    }
  } catch (error) {
    const refusal = refusalOf(error);
    const only = alarms.length === 1 ? alarms[0] : undefined;
    if (refusal !== null && only !== undefined) refused.set(only.alarmId, whyNotDone(refusal, zone.peek()));
    else actProblem.value = sentenceOfError(error);
  } finally {
    refusals.value = refused;
    isActing.value = false;
  }
  return done;
}
