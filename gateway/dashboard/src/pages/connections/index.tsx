import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect, useRef } from "preact/hooks";
import { useKeys } from "../../frame/keys.ts";
import { useTitle } from "../../frame/title.ts";
import { live } from "../../live/live.ts";
import { compareText } from "../../model/alarms.ts";
import { holdOrder } from "../../model/attention.ts";
import { wellLink } from "../../model/links.ts";
import { formatNumber } from "../../model/numbers.ts";
import { Button } from "../../parts/Button.tsx";
import { Chip } from "../../parts/Chip.tsx";
import { Empty } from "../../parts/Empty.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import type { Connection } from "../../rest/types/connections.ts";
import { ConnectionDetail } from "./ConnectionDetail.tsx";
import { ConnectionList } from "./ConnectionList.tsx";
import { FilterBar } from "./FilterBar.tsx";
import "./connections.css";
import { KINDS, KIND_WORDS, countKinds, padsOf, worstFirst } from "./states.ts";
import { type View, isFiltered, isListed, linkOf, passes, viewOf } from "./view.ts";

/** Is it the well or the wire. */
export default function Connections() {
  const { connections, overview } = live();
  const { query, route } = useLocation();
  const view = viewOf(query);
  const isFilterOpen = useSignal(isFiltered(view));
  const isHeld = useSignal(false);
  const shown = useRef<readonly string[]>([]);
  useTitle("Connections");
  useEffect(() => connections.hold(), []);

  const all = connections.all.value;
  const problem = connections.problem.value;
  const wells = new Map((overview.wells.value ?? []).map((one) => [one.wellId, one]));
  const passed = (all ?? []).filter((one) => passes(one, view, wells)).sort(worstFirst);
  const counts = countKinds(passed);
  const wanted = passed.filter((one) => isListed(one, view));
  const byId = new Map(wanted.map((one) => [one.connectionId, one]));
  const { order, moved } = holdOrder(shown.current, [...byId.keys()], isHeld.value);
  shown.current = order;
  const rows = order.flatMap((name) => byId.get(name) ?? []);
  const chosen = all?.find((one) => one.connectionId === view.id) ?? rows[0] ?? null;
  const isUnknown = all !== null && view.id !== "" && chosen?.connectionId !== view.id;

  const go = (change: Partial<View>) => route(linkOf({ ...view, ...change }), true);
  function step(by: number) {
    const at = rows.findIndex((one) => one.connectionId === chosen?.connectionId);
    const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
    if (next !== undefined) go({ id: next.connectionId });
  }
  useKeys("Connections", [
    { key: "ArrowDown", says: "Next connection", run: () => step(1) },
    { key: "ArrowUp", says: "Connection before", run: () => step(-1) },
    { key: "w", says: "Its first well", run: () => chosen?.wells[0] !== undefined && route(wellLink(chosen.wells[0])) },
    { key: "f", says: "Filter", run: () => (isFilterOpen.value = !isFilterOpen.peek()) },
  ]);

  return (
    <div class="connections fill">
      <h1 class="vh">Connections</h1>
      <div class="tbar">
        <div class="chips scroll">
          <Chip chosen={view.kind === null} count={passed.length} href={linkOf({ ...view, kind: null })}>
            All
          </Chip>
          {KINDS.map((kind) => (
            <Chip key={kind} chosen={view.kind === kind} count={counts[kind]} href={linkOf({ ...view, kind })}>
              {KIND_WORDS[kind]}
            </Chip>
          ))}
        </div>
        <span class="grow" />
        {all !== null && <span class="tag only-desk">{sums(all)}</span>}
        <Button class="only-desk" expanded={isFilterOpen.value} onClick={() => (isFilterOpen.value = !isFilterOpen.value)}>
          <Icon name="filter" /> Protocol, pad
        </Button>
      </div>
      {(isFilterOpen.value || isFiltered(view)) && (
        <FilterBar
          view={view}
          protocols={distinct((all ?? []).map((one) => one.protocol))}
          pads={distinct((all ?? []).flatMap((one) => padsOf(one, wells)))}
          onChange={go}
        />
      )}
      {isUnknown && (
        <p class="note" role="status">
          There is no connection {view.id} for you; it may have been deleted.
        </p>
      )}
      {all === null && problem === null && <Skeleton waitingFor="the connections" onRetry={() => void connections.load()} />}
      {all === null && problem !== null && (
        <ProblemBox title="The connections could not be loaded" error={problem} onRetry={() => void connections.load()} />
      )}
      {all !== null && (
        <div class={view.id !== "" && chosen !== null && !isUnknown ? "cn one" : "cn"}>
          <ConnectionList
            connections={rows}
            chosen={chosen?.connectionId ?? ""}
            moved={moved}
            onChoose={(id) => go({ id })}
            onHold={(holding) => (isHeld.value = holding)}
            empty={<Nothing isFiltered={isFiltered(view) || view.kind !== null} />}
          />
          {chosen !== null && <ConnectionDetail connection={chosen} wells={wells} onClose={() => go({ id: "" })} />}
        </div>
      )}
    </div>
  );
}

function Nothing({ isFiltered: filtered }: { isFiltered: boolean }) {
  if (filtered) return <Empty title="None that the filter lets through">Choose All, or press F and show all.</Empty>;
  return (
    <Empty title="No connection yet">
      Apply a ScadaConnection and a TagMapping: it is listed when its worker has started for the first time.
    </Empty>
  );
}

function sums(all: readonly Connection[]): string {
  const mapped = all.reduce((sum, one) => sum + one.mappedTags, 0);
  const rejected = all.reduce((sum, one) => sum + one.rejectedTags, 0);
  return `${formatNumber(mapped, 0)} tags mapped · ${formatNumber(rejected, 0)} rejected`;
}

function distinct(values: readonly string[]): string[] {
  return [...new Set(values)].sort(compareText);
}
