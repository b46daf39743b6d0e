import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { wellLink } from "../../model/links.ts";
import { bytesText, counted } from "../../model/numbers.ts";
import { ageText, msOrNull, offsetText, whenText } from "../../model/times.ts";
import { Button } from "../../parts/Button.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { StateMark } from "../../parts/StateMark.tsx";
import type { Connection } from "../../rest/types/connections.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";
import { Ago } from "./Ago.tsx";
import { ConditionTable } from "./ConditionTable.tsx";
import { DayStrip } from "./DayStrip.tsx";
import { JournalMeter } from "./JournalMeter.tsx";
import { RejectedTags } from "./RejectedTags.tsx";
import { adviceOf, journalWords, sentence } from "./advice.ts";
import { padsOf, stateOf } from "./states.ts";

const WELLS_SHOWN = 8;

export interface ConnectionDetailProps {
  connection: Connection;
  wells: ReadonlyMap<string, OverviewWell>;
  onClose: () => void;
}

export function ConnectionDetail({ connection, wells, onClose }: ConnectionDetailProps) {
  const { glyph, word } = stateOf(connection);
  const { journal } = connection;
  const pads = padsOf(connection, wells);
  return (
    <section class="panel side" aria-label={connection.connectionId}>
      <div class="only-phone toList">
        <Button onClick={onClose}>
          <Icon name="back" /> All connections
        </Button>
      </div>
      <header>
        <span class="cst" title={word}>
          <StateMark glyph={glyph}>
            <span class="vh">{word}</span>
          </StateMark>
        </span>
        <h2>{connection.connectionId}</h2>
        <span class="r tag">{connection.protocol}</span>
      </header>
      <div class="pad col gap3">
        <Said connection={connection} wells={wells} />
        {connection.problems.map((one) => (
          <p key={one} class="note">
            {sentence(one)}
          </p>
        ))}
        <ConditionTable conditions={connection.conditions} />
        <div>
          <div class="row between">
            <b>Journal</b>
            <span>
              <b>{bytesText(journal.bytes)}</b>{" "}
              <span class="dim">{journal.sizeBytes !== null && `of ${bytesText(journal.sizeBytes)}`}</span>
            </span>
          </div>
          <JournalMeter journal={journal} words={false} />
          <small class="dim">{journalWords(connection)}</small>
        </div>
        <div>
          <div class="row between">
            <b>Last 24 h</b>
            <span class="dim">
              last reading <Ago at={connection.lastReadingAt} />
            </span>
          </div>
          <DayStrip strip={connection.strip} />
        </div>
        <dl class="dl">
          <dt>Device</dt>
          <dd>{connection.endpoint || "not known yet"}</dd>
          {pads.length > 0 && (
            <>
              <dt>Pad</dt>
              <dd>{pads.join(", ")}</dd>
            </>
          )}
          <dt>{connection.wells.length === 1 ? "Well" : "Wells"}</dt>
          <dd>
            <Wells ids={connection.wells} wells={wells} />
          </dd>
        </dl>
      </div>
      <RejectedTags connection={connection} />
    </section>
  );
}

/** What it is, since when, what to do, and which wells suffer. */
function Said({ connection, wells }: { connection: Connection; wells: ReadonlyMap<string, OverviewWell> }) {
  const { head, body, silentWells } = adviceOf(connection);
  const since = msOrNull(connection.since);
  const now = nowMs.value;
  return (
    <p class="said">
      <b>
        {head}
        {since !== null && ` since ${whenText(since, now, zone.value)} (${offsetText(since, zone.value)}), ${ageText(now - since)}`}.
      </b>{" "}
      {body}
      {silentWells > 0 && (
        <>
          {" "}
          {counted(silentWells, "well has", "wells have")} no data: <Wells ids={connection.wells} wells={wells} />.
        </>
      )}
    </p>
  );
}

function Wells({ ids, wells }: { ids: readonly string[]; wells: ReadonlyMap<string, OverviewWell> }) {
  if (ids.length === 0) return <>none</>;
  return (
    <>
      {ids.slice(0, WELLS_SHOWN).map((wellId, index) => (
        <span key={wellId}>
          {index > 0 && ", "}
          <a href={wellLink(wellId)}>{wells.get(wellId)?.title || wellId}</a>
        </span>
      ))}
      {ids.length > WELLS_SHOWN && ` and ${ids.length - WELLS_SHOWN} more`}
    </>
  );
}
