import { useSignal } from "@preact/signals";
import { alarmWords } from "../../frame/alarm-words.ts";
import { client } from "../../frame/gateway.ts";
import { nowMs } from "../../frame/now.ts";
import { useAnswer } from "../../frame/use-answer.ts";
import { zone } from "../../frame/zone.ts";
import { live } from "../../live/live.ts";
import { PRIORITIES, PRIORITY_WORDS } from "../../model/alarms.ts";
import { formatNumber } from "../../model/numbers.ts";
import { ageText, daysBefore, msOf, whenText } from "../../model/times.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Segment } from "../../parts/Segment.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import type { Alarm, AlarmName, FiguresAnswer, Priority } from "../../rest/types/alarms.ts";

const SPANS = [
  { value: "1", text: "1 d" },
  { value: "7", text: "7 d" },
  { value: "30", text: "30 d" },
];

/** How good the alarms themselves are, as EEMUA 191 and ISA-18.2 count it. */
export function Figures() {
  const days = useSignal("7");
  const asked = useAnswer(`figures ${days.value}`, (signal) => {
    const end = Math.floor(nowMs.peek() / 60_000) * 60_000;
    return client.alarmFigures({ start: new Date(daysBefore(end, Number(days.value), zone.peek())).toISOString(), end: new Date(end).toISOString() }, { signal });
  });
  return (
    <div class="scrolls">
      <div class="tbar">
        <Segment label="Range" options={SPANS} value={days.value} onChange={(value) => (days.value = value)} />
      </div>
      {asked.answer === null && asked.error === null && <Skeleton waitingFor="the figures" onRetry={asked.again} />}
      {asked.answer === null && asked.error !== null && <ProblemBox title="The figures could not be loaded" error={asked.error} onRetry={asked.again} />}
      {asked.answer !== null && <Sheet answer={asked.answer} />}
    </div>
  );
}

function Sheet({ answer: { figures, definitions } }: { answer: FiguresAnswer }) {
  const hour = figures.averagePer10Min * 6;
  return (
    <div class="figures">
      <Panel title="Rate" aside="aim under 6 an hour">
        <p>
          <span class="n">{formatNumber(hour, 1)}</span> alarms an hour
        </p>
        <p class="dim2" title={definitions["averagePer10Min"]}>
          {figures.alarms} in all; the worst 10 minutes had {figures.peakPer10Min}; {percent(figures.above10Share)} of all 10-minute windows had more than 10; {percent(figures.floodShare)} of the time was a
          flood ({figures.floods} of them).
        </p>
      </Panel>
      <Panel title="Priorities" aside="aim 5, 15, 80 %" pad={false}>
        <div class="tbl">
          {PRIORITIES.map((one) => (
            <div key={one} class="tr">
              <span class="row">
                <AlarmShape priority={one} silent /> {PRIORITY_WORDS[one]}
              </span>
              <span>{figures.priorities[one]?.alarms ?? 0}</span>
              <span class="dim num">{percent(figures.priorities[one]?.share ?? 0)}</span>
            </div>
          ))}
        </div>
      </Panel>
      <Table title="Most frequent" rows={figures.mostFrequent.map(({ alarm, raised, share }) => [alarm, `${raised} times`, percent(share)])} />
      <Table title="Chattering" rows={figures.chattering.map(({ alarm, raised, mostPerMinute }) => [alarm, `${raised} times`, `${mostPerMinute} a minute`])} />
      <Table title="Standing" rows={figures.standing.map(({ alarm, activeSince }) => [alarm, ageText(nowMs.value - msOf(activeSince)), whenText(msOf(activeSince), nowMs.value, zone.value)])} />
      <Panel title="Shifts" pad={false}>
        <div class="tbl">
          {[...figures.shifts].reverse().map((shift) => (
            <div key={shift.start} class="tr">
              <span>{whenText(msOf(shift.start), nowMs.value, zone.value)}</span>
              <span>{shift.alarms} alarms</span>
              <span class="dim num">peak {shift.peakPer10Min} in 10 min</span>
            </div>
          ))}
        </div>
      </Panel>
    </div>
  );
}

function Table({ title, rows }: { title: string; rows: readonly [AlarmName, string, string][] }) {
  const wells = live().overview.wells.value;
  return (
    <Panel title={title} pad={false}>
      {rows.length === 0 && <p class="pad dim2">None.</p>}
      <div class="tbl">
        {rows.map(([alarm, count, more]) => {
          const words = alarmWords({ ...alarm, message: "", unit: "", value: null, limit: null } as unknown as Alarm, wells?.find((one) => one.wellId === alarm.wellId) ?? null);
          return (
            <div key={alarm.alarmId} class="tr">
              <span class="row">
                <AlarmShape priority={alarm.priority as Priority} />
                <span>
                  <b class="nm">{words.where}</b> {words.what}
                </span>
              </span>
              <span>{count}</span>
              <span class="dim num">{more}</span>
            </div>
          );
        })}
      </div>
    </Panel>
  );
}

function percent(share: number): string {
  return `${formatNumber(share * 100, share > 0 && share < 0.1 ? 1 : 0)} %`;
}
