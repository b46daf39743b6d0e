import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { announce, announceUrgent } from "../../frame/announce.ts";
import { client, tenant } from "../../frame/gateway.ts";
import { useTitle } from "../../frame/title.ts";
import { useAnswer } from "../../frame/use-answer.ts";
import { usePageZone } from "../../frame/zone.ts";
import { live } from "../../live/live.ts";
import { titleOf } from "../../model/attention.ts";
import { STATE_WORDS, hasFailed } from "../../model/commands.ts";
import { wellLink } from "../../model/links.ts";
import { typeWords } from "../../model/well-type.ts";
import { Empty } from "../../parts/Empty.tsx";
import { Forbidden } from "../../parts/Forbidden.tsx";
import { ProblemBox } from "../../parts/ProblemBox.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import { ProblemError } from "../../rest/problem.ts";
import type { Command, WritableTag } from "../../rest/types/commands.ts";
import type { TagFacts } from "../../rest/types/wells.ts";
import { AlsoHere } from "./AlsoHere.tsx";
import { Approvals } from "./Approvals.tsx";
import { CommandDialog } from "./CommandDialog.tsx";
import { CommandLog } from "./CommandLog.tsx";
import { Faceplate } from "./Faceplate.tsx";
import "./control.css";
import { factsOf, valueWords } from "./words.ts";

/** What may be written at a well, what is being written, and who else is at it. */
export function WellControl({ wellId }: { wellId: string }) {
  const { commands, wells } = live();
  const well = useAnswer(`well ${wellId}`, (signal) => client.well(wellId, { signal }));
  const writable = useAnswer(`writable ${wellId}`, (signal) => client.writableTags(wellId, { signal }));
  const chosen = useSignal<{ tag: WritableTag; facts: TagFacts } | null>(null);
  const title = well.answer?.title || wellId;
  useTitle(`${title}, control`);
  usePageZone(well.answer?.timeZone);
  useEffect(() => commands.hold(wellId), [wellId]);
  useEffect(() => wells.hold(wellId), [wellId]);

  const ofWell = commands.ofWell(wellId);
  const statuses = wells.feed(wellId).statuses.value;
  const running = ofWell.filter((one) => one.running).length;
  const standing = statuses.map((one) => `${one.connectionId} ${one.state} ${one.stale}`).join();
  // What is off changes with the devices and with each command that begins or ends.
  useEffect(() => writable.again(), [standing, running]);
  useEndsSaid(ofWell);

  if (isMissing(well.error) || isMissing(writable.error)) return <Forbidden what="well" tenant={tenant.value} />;
  const known = well.answer?.tags ?? [];
  const say = (command: Command) => sayValue(command, known);
  return (
    <>
      <div class="wh">
        <h1>{title}</h1>
        <div class="facts">
          <span>Control panel</span>
          {well.answer !== null && <span>{[typeWords(well.answer.type), well.answer.pad].filter(Boolean).join(" · ")}</span>}
          {statuses.map((one) => (
            <span key={one.connectionId}>
              {one.connectionId?.split("/").at(-1)} <b>{one.stale ? "not heard" : one.state}</b>
            </span>
          ))}
        </div>
        <div class="acts">
          <a class="btn only-desk" href={wellLink(wellId)}>
            Process picture
          </a>
        </div>
      </div>
      <AlsoHere wellId={wellId} commands={ofWell} say={say} />
      <div class="ctl">
        <div>
          {writable.answer === null && writable.error === null && <Skeleton waitingFor="what may be written here" />}
          {writable.answer === null && writable.error !== null && (
            <ProblemBox title="What may be written could not be loaded" error={writable.error} onRetry={writable.again} />
          )}
          {writable.answer?.tags.length === 0 && (
            <Empty title="Nothing can be written at this well">
              No tag of it is declared with <span class="mono">write:</span> in its TagMapping.
            </Empty>
          )}
          {writable.answer?.tags.map((tag) => {
            const facts = factsOf(tag, known);
            const ofTag = ofWell.filter((one) => one.tagName === tag.tagName);
            return (
              <Faceplate
                key={`${tag.connectionId} ${tag.tagName}`}
                tag={tag}
                facts={facts}
                commands={ofTag}
                steps={ofTag[0] === undefined ? [] : (commands.steps.value.get(ofTag[0].commandId) ?? [])}
                onChange={() => (chosen.value = { tag, facts })}
              />
            );
          })}
        </div>
        <div class="col gap3">
          <Approvals commands={ofWell} say={say} />
          <CommandLog
            title="Commands on this well"
            commands={ofWell.slice(0, 20)}
            say={say}
            empty={commands.isLoaded.value ? "None yet." : "They are being read…"}
          />
        </div>
      </div>
      {chosen.value !== null && (
        <CommandDialog
          wellTitle={title}
          {...chosen.value}
          onClose={() => (chosen.value = null)}
          onSent={(answer) => {
            commands.take(answer);
            chosen.value = null;
          }}
        />
      )}
    </>
  );
}

/** A command's value in the words of its tag. */
function sayValue(command: Command, known: readonly TagFacts[]): string {
  const tag = known.find((one) => one.tagName === command.tagName);
  return tag === undefined ? `${command.value} ${command.unit}`.trim() : valueWords(command.value, tag);
}

/** Ends are told to those who do not see the steps. */
function useEndsSaid(commands: readonly Command[]): void {
  const seen = useSignal<ReadonlySet<string>>(new Set());
  useEffect(() => {
    const running = new Set(commands.filter((one) => one.running).map((one) => one.commandId));
    for (const one of commands) {
      if (one.running || !seen.peek().has(one.commandId)) continue;
      const text = `${titleOf(one)} of ${one.wellId}: ${STATE_WORDS[one.state]}. ${one.message}`;
      if (hasFailed(one.state)) announceUrgent(text);
      else announce(text);
    }
    seen.value = running;
  }, [commands.map((one) => `${one.commandId} ${one.running}`).join()]);
}

function isMissing(error: unknown): boolean {
  return error instanceof ProblemError && error.isNotFound;
}
