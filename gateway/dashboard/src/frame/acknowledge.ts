// Acknowledging the one alarm that a person points at: in the banner, a well's list, the overview.

import type { Alarm } from "../rest/types/alarms.ts";
import type { Client } from "../rest/client.ts";
import { sentenceOfError } from "../rest/problem.ts";
import { refusalOf, whyNotDone } from "./not-done.ts";
import { zone } from "./zone.ts";

/** As it is on the screen. Answers to a sentence why it was not done; null: it was. */
export async function acknowledgeOne(
  client: Pick<Client, "actOnAlarms">,
  { alarmId, version }: Alarm,
): Promise<string | null> {
  try {
    const answer = await client.actOnAlarms("acknowledge", { alarms: [{ alarmId, version }] });
    const result = answer.alarms[0];
    return result === undefined || result.done ? null : whyNotDone(result, zone.peek());
  } catch (error) {
    const refusal = refusalOf(error);
    return refusal === null ? sentenceOfError(error) : whyNotDone(refusal, zone.peek());
  }
}
