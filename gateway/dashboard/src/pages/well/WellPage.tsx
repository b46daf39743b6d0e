import { useLocation } from "preact-iso";
import { useEffect } from "preact/hooks";
import { announce } from "../../frame/announce.ts";
import { client, tenant } from "../../frame/gateway.ts";
import { useKeys } from "../../frame/keys.ts";
import { useTitle } from "../../frame/title.ts";
import { useAnswer } from "../../frame/use-answer.ts";
import { usePageZone } from "../../frame/zone.ts";
import { live } from "../../live/live.ts";
import { wellLink } from "../../model/links.ts";
import { Forbidden } from "../../parts/Forbidden.tsx";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { ProblemError } from "../../rest/problem.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { downOf, shortName } from "./device.ts";
import { Loading } from "./Loading.tsx";
import { OpenCard } from "./OpenCard.tsx";
import { ProcessView } from "./ProcessView.tsx";
import { TagTable } from "./TagTable.tsx";
import { trendOf } from "./trend-link.ts";
import { useNeighbours } from "./use-neighbours.ts";
import { useWellAlarms } from "./use-well-alarms.ts";
import { WellEvents } from "./WellEvents.tsx";
import { type View, WellHeader } from "./WellHeader.tsx";
import "./well.css";

/** Is this well healthy, and what is going on at it? */
export function WellPage({ wellId, view }: { wellId: string; view: View }) {
  const asked = useAnswer(`well ${wellId}`, (signal) => client.well(wellId, { signal }));
  const { phase } = live().wells.feed(wellId);
  useTitle(asked.answer?.title || wellId);
  usePageZone(asked.answer?.timeZone);
  useEffect(() => live().wells.hold(wellId), [wellId]);
  const neighbours = useNeighbours(wellId, view);
  // bound here, so that somebody who walks fast need not wait for each well
  useKeys("Wells", [
    { key: "[", says: "Previous well, by attention", run: () => neighbours.go(neighbours.previous) },
    { key: "]", says: "Next well, by attention", run: () => neighbours.go(neighbours.next) },
  ]);
  const isMissing = asked.error instanceof ProblemError && asked.error.isNotFound;
  if (isMissing || (asked.answer === null && phase.value === "not-found")) {
    return (
      <>
        <h1 class="vh">Not found</h1>
        <Forbidden what="well" tenant={tenant.value} />
      </>
    );
  }
  if (asked.answer === null) {
    if (asked.error === null) return <Loading wellId={wellId} onRetry={asked.again} />;
    return (
      <>
        <h1>{wellId}</h1>
        <ProblemBox title="The well could not be loaded" error={asked.error} onRetry={asked.again} />
      </>
    );
  }
  return <KnownWell well={asked.answer} view={view} neighbours={neighbours} />;
}

interface KnownWellProps {
  well: WellAnswer;
  view: View;
  neighbours: ReturnType<typeof useNeighbours>;
}

function KnownWell({ well, view, neighbours }: KnownWellProps) {
  const { route } = useLocation();
  const { wellId } = well;
  const { wells, connections } = live();
  const connectionIds = [...new Set(well.tags.map((tag) => tag.connectionId))].sort();
  const alarms = useWellAlarms(wellId, connectionIds);
  const name = well.template;
  const template = useAnswer(name === null ? null : `template ${name}`, (signal) => client.template(name ?? "", { signal }));

  const statuses = wells.feed(wellId).statuses.value;
  const away = downOf(statuses, connections.all.value);
  const isAway = away.down.length > 0;
  useEffect(() => (isAway ? connections.hold() : undefined), [isAway]);
  const first = away.down[0];
  const controlOff = away.all && first !== undefined ? `${shortName(first.connectionId)} ${first.word}; nothing can be written to it.` : null;

  useKeys("Well", [
    { key: "t", says: "Trend of this well", run: () => route(trendOf(well, trendTags(well, alarms.handled[0]?.tagName))) },
    {
      key: "c",
      says: "Control panel",
      run: () => (controlOff === null ? route(wellLink(wellId, "control")) : announce(`Control is off. ${controlOff}`)),
    },
    { key: "e", says: "Events, or the process picture again", run: () => route(wellLink(wellId, view === "events" ? "" : "events")) },
  ]);

  return (
    <>
      <WellHeader well={well} typeTitle={template.answer?.title ?? null} view={view} neighbours={neighbours} controlOff={controlOff} />
      {view === "" && <ProcessView well={well} template={template} alarms={alarms} away={away} controlOff={controlOff} />}
      {view === "tags" && <TagTable well={well} alarms={alarms.handled} />}
      {view === "events" && <WellEvents well={well} />}
      <OpenCard wellId={wellId} />
    </>
  );
}

/** The alarmed tag first, then the key tags. */
function trendTags(well: WellAnswer, alarmed: string | undefined): string[] {
  const names = alarmed === undefined || alarmed === "" ? well.keyTags : [alarmed, ...well.keyTags];
  return names.length > 0 ? [...new Set(names)] : well.tags.slice(0, 3).map((tag) => tag.tagName);
}
