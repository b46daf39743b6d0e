import { live } from "../../live/live.ts";
import { wellLink } from "../../model/links.ts";
import { counted } from "../../model/numbers.ts";
import { zone } from "../../frame/zone.ts";
import { nowMs } from "../../frame/now.ts";
import { whenText } from "../../model/times.ts";
import { QualityMark } from "../../parts/QualityMark.tsx";
import { type Down, shortName } from "./device.ts";

export interface DeviceDownProps {
  down: Down;
  wellId: string;
  /** Why nothing can be written therefore; null: something can. */
  controlOff: string | null;
}

/** A device that is away: since when, why, and what the screen shows therefore. */
export function DeviceDown({ down, wellId, controlOff }: DeviceDownProps) {
  const wells = (live().overview.wells.value ?? []).filter((one) => one.connectionIds.includes(down.connectionId));
  const others = wells.filter((one) => one.wellId !== wellId);
  const since = down.sinceMs === null ? "" : ` since ${whenText(down.sinceMs, nowMs.value, zone.value)}`;
  return (
    <section class="panel pad col device" aria-label={`${shortName(down.connectionId)} ${down.word}`}>
      <p class="row wrap">
        <QualityMark mark="stale" label="STALE" />
        <b>
          {shortName(down.connectionId)} {down.word}
          {since}
        </b>
      </p>
      <p class="dim2">
        {down.message !== "" && `${asSentence(down.message)} `}
        {wells.length > 1 && `${counted(wells.length, "well")} have no data. `}
        What the screen shows is the last known state, not the state now.
        {controlOff !== null && " Control is off until it is back."}
      </p>
      <div class="row wrap">
        <a class="btn" href={`/connections?id=${encodeURIComponent(down.connectionId)}`}>
          Connection
        </a>
        {others.slice(0, 5).map((one) => (
          <a key={one.wellId} class="btn" href={wellLink(one.wellId)}>
            {one.title || one.wellId}
          </a>
        ))}
      </div>
    </section>
  );
}

function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`.replace(/\.?$/, ".");
}
