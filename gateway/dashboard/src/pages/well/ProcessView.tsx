import type { Asked } from "../../frame/use-answer.ts";
import { mostUrgent } from "../../model/alarms.ts";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import type { Template } from "../../rest/types/pictures.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { smallTrends } from "./chosen.ts";
import type { downOf } from "./device.ts";
import { DeviceDown } from "./DeviceDown.tsx";
import { KeyValues } from "./KeyValues.tsx";
import { LastEvents } from "./LastEvents.tsx";
import { ProcessPicture } from "./ProcessPicture.tsx";
import { SmallTrends } from "./SmallTrends.tsx";
import { TagTable } from "./TagTable.tsx";
import type { WellAlarms as Alarms } from "./use-well-alarms.ts";
import { WellAlarms } from "./WellAlarms.tsx";

export interface ProcessViewProps {
  well: WellAnswer;
  template: Asked<Template>;
  alarms: Alarms;
  away: ReturnType<typeof downOf>;
  controlOff: string | null;
}

/** The picture, and beside it what is wrong and what says most. */
export function ProcessView({ well, template, alarms, away, controlOff }: ProcessViewProps) {
  const urgent = mostUrgent(alarms.handled) ?? alarms.handled[0] ?? null;
  return (
    <div class="well">
      <div class="main">
        {well.template === null && <NoTemplate well={well} />}
        {well.template !== null && template.answer !== null && <ProcessPicture well={well} template={template.answer} alarms={alarms.handled} isAway={away.all} />}
        {well.template !== null && template.answer === null && (
          <section class="panel picture loading pad" aria-label="Process picture">
            {template.error === null ? (
              <Skeleton waitingFor="the process picture" onRetry={template.again} />
            ) : (
              <ProblemBox title="The process picture could not be loaded" error={template.error} onRetry={template.again} besides="All values stand in the table of all tags." />
            )}
          </section>
        )}
        {well.template === null && <TagTable well={well} alarms={alarms.handled} />}
        <LastEvents well={well} />
      </div>
      <div class="side">
        {away.down.map((down) => (
          <DeviceDown key={down.connectionId} down={down} wellId={well.wellId} controlOff={controlOff} />
        ))}
        <WellAlarms well={well} alarms={alarms} />
        <KeyValues well={well} alarms={alarms.handled} />
        <SmallTrends well={well} tags={smallTrends(well, urgent)} />
      </div>
    </div>
  );
}

/** How a well comes to a picture. */
function NoTemplate({ well }: { well: WellAnswer }) {
  return (
    <p class="note">
      {well.type === "" ? (
        <>
          This well has no type, so it has no process picture. Its TagMapping gives it one:{" "}
          <span class="mono">spec.well.type</span>, such as <span class="mono">rod-pump</span>, <span class="mono">esp</span> or{" "}
          <span class="mono">gas-lift</span>.
        </>
      ) : (
        <>
          The gateway has no process picture for wells of the type <span class="mono">{well.type}</span>. Give the well another{" "}
          <span class="mono">spec.well.type</span>, or put a template of that name into the gateway's folder of templates.
        </>
      )}
    </p>
  );
}
