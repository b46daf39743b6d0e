import { useSignal } from "@preact/signals";
import { acknowledgeOne } from "../../frame/acknowledge.ts";
import type { Client } from "../../rest/client.ts";
import type { Alarm } from "../../rest/types/alarms.ts";

/** Acknowledges one alarm as it is on the screen. said: why it was not done. */
export function useAcknowledge(client: Pick<Client, "actOnAlarms">) {
  const isRunning = useSignal(false);
  const said = useSignal<string | null>(null);
  async function acknowledge(alarm: Alarm): Promise<void> {
    if (isRunning.peek()) return;
    isRunning.value = true;
    said.value = null;
    said.value = await acknowledgeOne(client, alarm);
    isRunning.value = false;
  }
  return { acknowledge, isRunning: isRunning.value, said: said.value };
}
