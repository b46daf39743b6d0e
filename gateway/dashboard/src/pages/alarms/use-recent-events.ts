import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { client } from "../../frame/gateway.ts";
import { useAnswer } from "../../frame/use-answer.ts";
import { serverNow } from "../../live/clock.ts";
import { live } from "../../live/live.ts";
import { msOf } from "../../model/times.ts";
import type { AlarmEvent } from "../../rest/types/alarms.ts";

const SPAN_MS = 24 * 60_000;
const A_PAGE = 1000;

/** What was raised in the last 24 minutes: read once, then as it is told. Only while it is wanted. */
export function useRecentEvents(isWanted: boolean): readonly AlarmEvent[] {
  const told = useSignal<readonly AlarmEvent[]>([]);
  const { answer } = useAnswer(isWanted ? "recent" : null, (signal) =>
    client.alarmEvents({ kind: ["raised"], start: new Date(serverNow() - SPAN_MS).toISOString(), limit: A_PAGE }, { signal }),
  );
  useEffect(() => {
    if (!isWanted) return;
    return live().alarms.onEvent((_alarm, event) => {
      if (event?.kind !== "raised") return;
      const oldest = serverNow() - SPAN_MS;
      told.value = [...told.peek().filter((one) => msOf(one.at) >= oldest), event];
    });
  }, [isWanted]);
  const known = new Map<number, AlarmEvent>();
  for (const event of [...(answer?.events ?? []), ...told.value]) known.set(event.eventNo, event);
  return [...known.values()];
}
