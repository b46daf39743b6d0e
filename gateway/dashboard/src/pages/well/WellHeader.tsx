import { useEffect, useRef } from "preact/hooks";
import { live } from "../../live/live.ts";
import { everySecond } from "../../live/frame-loop.ts";
import { serverNow } from "../../live/clock.ts";
import { isConnected } from "../../model/attention.ts";
import { wellLink } from "../../model/links.ts";
import { lagText } from "../../model/times.ts";
import { Button } from "../../parts/Button.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { QualityMark } from "../../parts/QualityMark.tsx";
import { useShown } from "../../parts/use-shown.ts";
import type { ConnectionStatus } from "../../rest/types/connections.ts";
import type { TagFacts, WellAnswer } from "../../rest/types/wells.ts";
import { typeWords } from "../../model/well-type.ts";
import { runTag } from "./chosen.ts";
import { shortName } from "./device.ts";
import type { Neighbours } from "./neighbours.ts";
import { trendOf } from "./trend-link.ts";

export type View = "" | "tags" | "events";

export interface WellHeaderProps {
  well: WellAnswer;
  /** The template's title, where there is one. */
  typeTitle: string | null;
  view: View;
  neighbours: Neighbours & { go: (to: string | null) => void };
  /** Why nothing can be written now; null: the control panel says. */
  controlOff: string | null;
}

/** Which well, what it is, how it runs, how it is reached, and where to go from here. */
export function WellHeader({ well, typeTitle, view, neighbours, controlOff }: WellHeaderProps) {
  const statuses = live().wells.feed(well.wellId).statuses.value;
  const run = runTag(well);
  const place = [well.pad, well.route].filter((one) => one !== "").join(" · ");
  const type = typeTitle ?? (well.type === "" ? "" : typeWords(well.type));
  return (
    <div class="wh">
      <h1>{well.title || well.wellId}</h1>
      <div class="facts">
        {type !== "" && <span>{type}</span>}
        {place !== "" && <span>{place}</span>}
        {run !== null && <RunState wellId={well.wellId} tag={run} />}
        {statuses
          .filter((one) => one.connectionId !== null)
          .map((one) => (
            <ConnectionFact key={one.connectionId} well={well} status={one} />
          ))}
      </div>
      <div class="acts">
        <div class="seg only-desk" role="group" aria-label="Wells, by attention">
          <button type="button" aria-label="Previous well" disabled={neighbours.previous === null} onClick={() => neighbours.go(neighbours.previous)}>
            ‹
          </button>
          <span>
            {neighbours.place === 0 ? "–" : neighbours.place} / {neighbours.total}
          </span>
          <button type="button" aria-label="Next well" disabled={neighbours.next === null} onClick={() => neighbours.go(neighbours.next)}>
            ›
          </button>
        </div>
        <nav class="seg views" aria-label="Views of this well">
          <ViewLink well={well} to="" now={view}>
            Process
          </ViewLink>
          <ViewLink well={well} to="tags" now={view}>
            All tags {well.tags.length}
          </ViewLink>
          <ViewLink well={well} to="events" now={view}>
            Events
          </ViewLink>
        </nav>
        <a class="btn only-desk" href={trendOf(well, well.keyTags)}>
          <Icon name="trends" /> Trend <kbd>T</kbd>
        </a>
        {controlOff === null ? (
          <a class="btn pri" href={wellLink(well.wellId, "control")}>
            <Icon name="control" /> Control <kbd class="only-desk">C</kbd>
          </a>
        ) : (
          <Button kind="pri" off={controlOff} offSaidNearby>
            <Icon name="control" /> Control
          </Button>
        )}
      </div>
    </div>
  );
}

function ViewLink({ well, to, now, children }: { well: WellAnswer; to: View; now: View; children: preact.ComponentChildren }) {
  return (
    <a href={wellLink(well.wellId, to)} aria-current={to === now ? "page" : undefined} class={to === now ? "on" : undefined}>
      {children}
    </a>
  );
}

/** Running, stopped, or not known. */
function RunState({ wellId, tag }: { wellId: string; tag: TagFacts }) {
  const shown = useShown(wellId, tag);
  if (shown.mark !== "good" && shown.mark !== "uncertain") {
    return (
      <span class="row gap2">
        <b>State unknown</b>
        <QualityMark mark={shown.mark} label={shown.label} />
      </span>
    );
  }
  const word = shown.text.charAt(0) + shown.text.slice(1).toLowerCase();
  return (
    <span class="row gap2">
      <b>{word}</b>
      <QualityMark mark={shown.mark} label={shown.label} />
    </span>
  );
}

/** A connection's state, and how old the newest reading over it is. */
function ConnectionFact({ well, status }: { well: WellAnswer; status: ConnectionStatus }) {
  const lag = useRef<HTMLSpanElement>(null);
  const connectionId = status.connectionId ?? "";
  useEffect(() => {
    const names = well.tags.filter((tag) => tag.connectionId === connectionId).map((tag) => tag.tagName);
    const write = () => {
      const { cells } = live().wells.feed(well.wellId);
      let newestMs = -Infinity;
      for (const name of names) newestMs = Math.max(newestMs, cells.get(name)?.heardMs ?? -Infinity);
      const text = Number.isFinite(newestMs) ? ` · ${lagText(serverNow() - newestMs)}` : "";
      if (lag.current !== null && lag.current.textContent !== text) lag.current.textContent = text;
    };
    write();
    return everySecond(write);
  }, [well, connectionId]);
  return (
    <span>
      <a href={`/connections?id=${encodeURIComponent(connectionId)}`}>
        {shortName(connectionId)} <b>{status.stale ? "not heard" : status.state}</b>
      </a>
      <span ref={lag} hidden={!isConnected(status)} />
    </span>
  );
}
