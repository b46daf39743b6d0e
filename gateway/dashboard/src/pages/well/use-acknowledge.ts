import { useSignal } from "@preact/signals";
import { zone } from "../../frame/zone.ts";
import { clockText, msOrNull } from "../../model/times.ts";
import type { Client } from "../../rest/client.ts";
import { sentenceOfError } from "../../rest/problem.ts";
import type { ActionResult, Alarm } from "../../rest/types/alarms.ts";

/** Acknowledges one alarm as it is on the screen. said: why it was not done. */
export function useAcknowledge(client: Pick<Client, "actOnAlarms">) {
  const isRunning = useSignal(false);
  const said = useSignal<string | null>(null);
  async function acknowledge({ alarmId, version }: Alarm): Promise<void> {
    if (isRunning.peek()) return;
    isRunning.value = true;
    said.value = null;
    try {
      const answer = await client.actOnAlarms("acknowledge", { alarms: [{ alarmId, version }] });
      const result = answer.alarms[0];
      if (result !== undefined && !result.done) said.value = why(result);
    } catch (error) {
      said.value = sentenceOfError(error);
    } finally {
      isRunning.value = false;
    }
  }
  return { acknowledge, isRunning: isRunning.value, said: said.value };
}

function why(result: ActionResult): string {
  const when = msOrNull(result.at);
  if (result.by !== null && when !== null) return `${result.by} was first, at ${clockText(when, zone.peek())}.`;
  return result.problem ?? "It was not acknowledged; the alarm has changed.";
}
