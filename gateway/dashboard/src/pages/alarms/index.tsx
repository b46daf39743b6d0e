import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect, useRef } from "preact/hooks";
import { whyNot } from "../../frame/gateway.ts";
import { useKeys } from "../../frame/keys.ts";
import { nowMs } from "../../frame/now.ts";
import { pressSound } from "../../frame/sound-now.ts";
import { useTitle } from "../../frame/title.ts";
import { live } from "../../live/live.ts";
import { groupByFirstOut, sortAlarms } from "../../model/alarms.ts";
import { holdOrder } from "../../model/attention.ts";
import { trendLink, wellLink } from "../../model/links.ts";
import { Button } from "../../parts/Button.tsx";
import { Chip } from "../../parts/Chip.tsx";
import { Empty } from "../../parts/Empty.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import { AlarmDetail } from "./AlarmDetail.tsx";
import { AlarmList } from "./AlarmList.tsx";
import { Figures } from "./Figures.tsx";
import { FilterBar } from "./FilterBar.tsx";
import { FloodHeader, Groups } from "./Flood.tsx";
import { GroupDialog } from "./GroupDialog.tsx";
import { History } from "./History.tsx";
import { Nuisances } from "./Nuisances.tsx";
import { ShelveDialog } from "./ShelveDialog.tsx";
import { act } from "./acting.ts";
import "./alarms.css";
import { TABS, TAB_WORDS, type View, isFiltered, isList, isOnTab, linkOf, passes, viewOf } from "./tabs.ts";
import { useRecentEvents } from "./use-recent-events.ts";

type Asking = { kind: "shelve" | "out-of-service" | "group"; alarms: readonly Alarm[] };

/** Alarms, to be handled in order. */
export default function Alarms() {
  const { alarms, overview } = live();
  const { query, route } = useLocation();
  const view = viewOf(query);
  const selected = useSignal<ReadonlySet<string>>(new Set());
  const isHeld = useSignal(false);
  const isFilterOpen = useSignal(isFiltered(view));
  const isPlain = useSignal(false);
  const asking = useSignal<Asking | null>(null);
  const order = useRef<readonly string[]>([]);
  useTitle("Alarms");

  const all = alarms.all.value;
  const counts = alarms.counts.value;
  const isFlood = counts?.flood != null && view.tab === "to-handle" && !isFiltered(view);
  const events = useRecentEvents(isFlood);
  const wanted = sortAlarms(all.filter((one) => isOnTab(one, view.tab) && passes(one, view)));
  const byId = new Map(wanted.map((one) => [one.alarmId, one]));
  const { rows, waiting } = held(order.current, wanted, isHeld.value && order.current.length > 0);
  order.current = rows.map((one) => one.alarmId);
  const chosen = byId.get(view.alarm) ?? alarms.get(view.alarm) ?? rows[0] ?? null;
  const picked = rows.filter((one) => selected.value.has(one.alarmId));
  const meant = picked.length > 0 ? picked : chosen === null ? [] : [chosen];

  const go = (change: Partial<View>) => route(linkOf({ ...view, ...change }), true);
  const choose = (alarmId: string) => go({ alarm: alarmId });
  const toggle = (alarmId: string) => {
    const next = new Set(selected.peek());
    if (!next.delete(alarmId)) next.add(alarmId);
    selected.value = next;
  };
  useEffect(() => void (selected.value = new Set()), [view.tab]);

  function step(by: number, isExtending: boolean) {
    const at = chosen === null ? -1 : rows.findIndex((one) => one.alarmId === chosen.alarmId);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next === undefined) return;
    if (isExtending && chosen !== null) selected.value = new Set([...selected.peek(), chosen.alarmId, next.alarmId]);
    choose(next.alarmId);
  }
  const open = (link: (alarm: Alarm) => string) => chosen !== null && chosen.wellId !== "" && route(link(chosen));
  async function doTo(action: Parameters<typeof act>[0], to: readonly Alarm[], words = {}) {
    if ((await act(action, to, words)) > 0) selected.value = new Set();
  }

  useKeys("Alarms", [
    { key: "ArrowDown", says: "Next alarm", run: () => step(1, false) },
    { key: "ArrowUp", says: "Alarm before", run: () => step(-1, false) },
    { key: "Shift+ArrowDown", says: "Select down", run: () => step(1, true) },
    { key: "Shift+ArrowUp", says: "Select up", run: () => step(-1, true) },
    { key: " ", says: "Select the alarm", run: () => chosen !== null && toggle(chosen.alarmId) },
    { key: "a", says: "Acknowledge what is selected", run: () => whyNot("acknowledge") === null && void doTo("acknowledge", meant) },
    { key: "s", says: "Shelve what is selected", run: () => meant.length > 0 && whyNot("shelve") === null && (asking.value = { kind: "shelve", alarms: meant }) },
    { key: "w", says: "Its well", run: () => open((alarm) => wellLink(alarm.wellId)) },
    { key: "t", says: "Its trend", run: () => open((alarm) => trendLink({ pens: [{ wellId: alarm.wellId, tagName: alarm.tagName }] })) },
    { key: "c", says: "Control of its well", run: () => open((alarm) => wellLink(alarm.wellId, "control")) },
    { key: "m", says: "Silence for 2 minutes", run: () => pressSound() },
    { key: "f", says: "Filter", run: () => (isFilterOpen.value = !isFilterOpen.peek()) },
  ]);

  const number = (tab: View["tab"]) => all.filter((one) => isOnTab(one, tab)).length;
  const wellOf = (alarm: Alarm) => overview.wells.value?.find((one) => one.wellId === alarm.wellId) ?? null;
  return (
    <div class="alarms fill">
      <h1 class="vh">Alarms</h1>
      <div class="tbar">
        <div class="chips scroll">
          {TABS.map((tab) => (
            <Chip key={tab} chosen={view.tab === tab} href={linkOf({ ...view, tab, alarm: "" })} {...(isList(tab) ? { count: number(tab) } : {})}>
              {TAB_WORDS[tab]}
            </Chip>
          ))}
        </div>
        <span class="grow" />
        <Button expanded={isFilterOpen.value} onClick={() => (isFilterOpen.value = !isFilterOpen.value)}>
          <Icon name="filter" /> Priority, well, words
        </Button>
      </div>
      {(isFilterOpen.value || isFiltered(view)) && <FilterBar filter={view} onChange={(filter) => go(filter)} />}
      {isFlood && counts !== null && (
        <FloodHeader
          counts={counts}
          events={events}
          nowMs={nowMs.value}
          action={<Button onClick={() => (isPlain.value = !isPlain.value)}>{isPlain.value ? "Grouped" : "Plain list"}</Button>}
        />
      )}
      {view.tab === "history" && <History filter={view} />}
      {view.tab === "figures" && <Figures />}
      {isList(view.tab) && !alarms.isLoaded.value && <Skeleton waitingFor="the alarms" />}
      {isList(view.tab) && alarms.isLoaded.value && (
        <div class="alg">
          {isFlood && !isPlain.value ? (
            <Groups
              groups={groupByFirstOut(all)}
              onAcknowledge={(group) => (asking.value = { kind: "group", alarms: group })}
              onChoose={(alarmId) => {
                isPlain.value = true;
                choose(alarmId);
              }}
            />
          ) : (
            <AlarmList
              title={TAB_WORDS[view.tab]}
              alarms={rows}
              waiting={waiting}
              selected={selected.value}
              chosen={chosen?.alarmId ?? ""}
              onChoose={choose}
              onSelect={toggle}
              onSelectAll={(isAll) => (selected.value = new Set(isAll ? rows.map((one) => one.alarmId) : []))}
              onHold={(holding) => (isHeld.value = holding)}
              onShowWaiting={() => (isHeld.value = false)}
              empty={<Nothing tab={view.tab} isFiltered={isFiltered(view)} />}
            />
          )}
          {isFlood && !isPlain.value ? (
            <Nuisances alarms={all} events={events} onShelve={(alarm) => (asking.value = { kind: "shelve", alarms: [alarm] })} />
          ) : (
            chosen !== null && (
              <AlarmDetail
                alarm={chosen}
                well={wellOf(chosen)}
                also={Math.max(0, picked.length - 1)}
                onAct={(action, comment) => void doTo(action, meant, comment.trim() === "" ? {} : { comment: comment.trim() })}
                onShelve={() => (asking.value = { kind: "shelve", alarms: meant })}
                onOutOfService={() => (asking.value = { kind: "out-of-service", alarms: meant })}
                isAskedFor={view.alarm !== ""}
                onClose={() => go({ alarm: "" })}
              />
            )
          )}
        </div>
      )}
      <Asked asking={asking.value} onClose={() => (asking.value = null)} doTo={doTo} />
    </div>
  );
}

function Asked({ asking, onClose, doTo }: { asking: Asking | null; onClose: () => void; doTo: (action: Parameters<typeof act>[0], to: readonly Alarm[], words: object) => Promise<void> }) {
  if (asking === null) return null;
  const { kind, alarms } = asking;
  if (kind === "group") {
    return <GroupDialog alarms={alarms} onClose={onClose} onDo={(comment) => void doTo("acknowledge", alarms, { comment }).then(onClose)} />;
  }
  return <ShelveDialog action={kind} alarms={alarms} onClose={onClose} onDo={(words) => void doTo(kind, alarms, words).then(onClose)} />;
}

/** While somebody reads, what is there stays where it is and what is new waits. */
function held(shown: readonly string[], wanted: readonly Alarm[], isHolding: boolean): { rows: Alarm[]; waiting: number } {
  if (!isHolding) return { rows: [...wanted], waiting: 0 };
  const byId = new Map(wanted.map((one) => [one.alarmId, one]));
  const known = new Set(shown);
  const { order } = holdOrder(shown, wanted.map((one) => one.alarmId), true);
  const rows = order.filter((one) => known.has(one)).flatMap((one) => byId.get(one) ?? []);
  return { rows, waiting: wanted.length - rows.length };
}

function Nothing({ tab, isFiltered: filtered }: { tab: View["tab"]; isFiltered: boolean }) {
  if (filtered) return <Empty title="None that the filter lets through">Press F and show all.</Empty>;
  if (tab === "to-handle" || tab === "unacknowledged") return <Empty title="No alarm to handle">Every condition is normal, or set aside on its own tab.</Empty>;
  return <Empty title="None">No alarm is {TAB_WORDS[tab].toLowerCase()} now.</Empty>;
}
