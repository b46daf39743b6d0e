import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { alarmWords } from "../../frame/alarm-words.ts";
import { client } from "../../frame/gateway.ts";
import { nowMs } from "../../frame/now.ts";
import { useAnswer } from "../../frame/use-answer.ts";
import { zone } from "../../frame/zone.ts";
import { live } from "../../live/live.ts";
import { isFound } from "../../model/alarms.ts";
import { daysBefore, fullText, msOf } from "../../model/times.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { Button } from "../../parts/Button.tsx";
import { Empty } from "../../parts/Empty.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Segment } from "../../parts/Segment.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import type { Alarm, AlarmEvent, AlarmEventKind } from "../../rest/types/alarms.ts";
import type { Filter } from "./tabs.ts";

const A_PAGE = 200;
const SPANS = [
  { value: "1", text: "1 d" },
  { value: "7", text: "7 d" },
  { value: "30", text: "30 d" },
];
const KIND_WORDS: Record<AlarmEventKind, string> = {
  raised: "Raised",
  returned: "Returned",
  acknowledged: "Acknowledged",
  shelved: "Shelved",
  unshelved: "Unshelved",
  suppressed: "Suppressed",
  unsuppressed: "Unsuppressed",
  out_of_service: "Out of service",
  in_service: "Back in service",
  reset: "Reset",
  removed: "Removed",
};

/** What happened to alarms, the newest first: page by page. */
export function History({ filter }: { filter: Filter }) {
  const days = useSignal("1");
  const older = useSignal<{ events: readonly AlarmEvent[]; next: string | null } | null>(null);
  const isLoading = useSignal(false);
  const problem = useSignal<unknown>(null);
  const asked = {
    ...(filter.wellId === "" ? {} : { wellId: filter.wellId }),
    start: new Date(daysBefore(Math.floor(nowMs.peek() / 60_000) * 60_000, Number(days.value), zone.value)).toISOString(),
    limit: A_PAGE,
  };
  const first = useAnswer(`history ${days.value} ${filter.wellId}`, (signal) => client.alarmEvents(asked, { signal }));
  useEffect(() => void (older.value = null), [first.answer]);
  const next = older.value === null ? (first.answer?.nextCursor ?? null) : older.value.next;
  const events = [...(first.answer?.events ?? []), ...(older.value?.events ?? [])];
  const found = events.filter(
    (event) => (filter.priorities.length === 0 || filter.priorities.includes(event.priority)) && isFound({ ...event, message: "" } as unknown as Alarm, filter.text),
  );

  async function more() {
    if (next === null || isLoading.peek()) return;
    isLoading.value = true;
    problem.value = null;
    try {
      const page = await client.alarmEvents({ ...asked, cursor: next });
      older.value = { events: [...(older.peek()?.events ?? []), ...page.events], next: page.nextCursor };
    } catch (error) {
      problem.value = error;
    } finally {
      isLoading.value = false;
    }
  }

  return (
    <Panel title="What happened" pad={false} class="history scrolls" aside={<Segment label="Range" options={SPANS} value={days.value} onChange={(value) => (days.value = value)} />}>
      {first.answer === null && first.error === null && (
        <div class="pad">
          <Skeleton waitingFor="the history of alarms" onRetry={first.again} />
        </div>
      )}
      {first.answer === null && first.error !== null && <ProblemBox title="The history could not be loaded" error={first.error} onRetry={first.again} />}
      {first.answer !== null && found.length === 0 && <Empty title="Nothing in this range">No alarm was raised, returned or touched.</Empty>}
      <div class="tbl">
        {found.map((event) => (
          <EventRow key={event.eventNo} event={event} />
        ))}
      </div>
      {problem.value !== null && <ProblemBox title="Older ones could not be loaded" error={problem.value} onRetry={() => void more()} />}
      {next !== null && (
        <div class="pad">
          <Button onClick={() => void more()} off={isLoading.value ? "They are on their way." : null}>
            Show older
          </Button>
        </div>
      )}
    </Panel>
  );
}

function EventRow({ event }: { event: AlarmEvent }) {
  const wells = live().overview.wells.value;
  const well = wells?.find((one) => one.wellId === event.wellId) ?? null;
  const words = alarmWords({ ...event, message: "", unit: "" } as unknown as Alarm, well);
  return (
    <div class="tr">
      <span class="dim">{fullText(msOf(event.at), zone.value)}</span>
      <AlarmShape priority={event.priority} />
      <b>{KIND_WORDS[event.kind]}</b>
      <span>
        <b class="nm">{words.where}</b> {words.what} <span class="dim">{words.value}</span>
        {event.comment !== "" && <small class="dim2"> “{event.comment}”</small>}
      </span>
      <span class="dim2 cut">{event.actor}</span>
    </div>
  );
}
