import { me, whyNot } from "../../frame/gateway.ts";
import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { titleOf } from "../../model/attention.ts";
import { commandLabel, hasFailed } from "../../model/commands.ts";
import { msOrNull, whenText } from "../../model/times.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { AnalogBar } from "../../parts/AnalogBar.tsx";
import { Button } from "../../parts/Button.tsx";
import { ValueCell } from "../../parts/ValueCell.tsx";
import { useShown } from "../../parts/use-shown.ts";
import type { Command, CommandStep, WritableTag } from "../../rest/types/commands.ts";
import type { TagFacts } from "../../rest/types/wells.ts";
import { CommandSteps } from "./CommandSteps.tsx";
import { byWhom, valueWords } from "./words.ts";

export interface FaceplateProps {
  tag: WritableTag;
  facts: TagFacts;
  /** Of this tag, the newest first. */
  commands: readonly Command[];
  steps: readonly CommandStep[];
  onChange: () => void;
}

/** One writable tag: what is, what was asked for, what was read back. */
export function Faceplate({ tag, facts, commands, steps, onChange }: FaceplateProps) {
  const shown = useShown(tag.wellId, facts);
  const last = commands[0] ?? null;
  const verified = commands.find((one) => one.state === "verified") ?? null;
  const isOpen = last !== null && (last.running || hasFailed(last.state));
  const off = whyOff(tag, last);
  return (
    <section class="fp" aria-label={titleOf(facts)}>
      <header>
        <h2>{titleOf(facts)}</h2>
        <span class="mono dim only-desk cut">
          {facts.tagName}
          {facts.address !== "" && ` · ${facts.address}`}
        </span>
        <span class="r">
          {isOpen && <Standing command={last} />}
          {tag.approval === "required" && <span class="tag">2nd PERSON</span>}
          <Button onClick={onChange} off={off} offSaidNearby>
            Change…
          </Button>
        </span>
      </header>
      {off !== null && <p class="why">{off}</p>}
      <div class="three">
        <div>
          <div class="lbl">
            <span>Current</span>
            <span>{shown.mark === "good" ? `GOOD · ${shown.age}` : shown.age}</span>
          </div>
          <div class="huge">
            <ValueCell shown={shown} reason />
          </div>
          {tag.states.length === 0 && <AnalogBar tag={facts} shown={shown} setPoint={isOpen ? last.value : null} />}
        </div>
        <Requested last={isOpen ? last : null} before={last} facts={facts} />
        <Verified last={last} verified={verified} facts={facts} />
      </div>
      {isOpen && <CommandSteps command={last} steps={steps} />}
    </section>
  );
}

function Standing({ command }: { command: Command }) {
  if (command.running) return <span class="tag solid">{commandLabel(command)}</span>;
  return (
    <span class="row gap1">
      <AlarmShape priority={2} silent />
      <b>{commandLabel(command)}</b>
    </span>
  );
}

function Requested({ last, before, facts }: { last: Command | null; before: Command | null; facts: TagFacts }) {
  const subject = me.value?.subject ?? "";
  return (
    <div>
      <div class="lbl">
        <span>Requested</span>
        <span>{last !== null && when(last.requestedAt)}</span>
      </div>
      {last !== null ? <div class="huge req">{valueWords(last.value, facts)}</div> : <div class="huge ghost">–</div>}
      <small class="dim">
        {last !== null && `by ${byWhom(last, subject)}: “${last.reason}”`}
        {last === null && before !== null && `last: ${valueWords(before.value, facts)}, ${when(before.requestedAt)}`}
        {before === null && "nothing was asked for yet"}
      </small>
    </div>
  );
}

function Verified({ last, verified, facts }: { last: Command | null; verified: Command | null; facts: TagFacts }) {
  const isMismatch = last?.state === "mismatch";
  const told = isMismatch ? last : last?.running || (last !== null && hasFailed(last.state)) ? null : verified;
  return (
    <div>
      <div class="lbl">
        <span>Verified</span>
        <span>{told !== null && when(told.doneAt)}</span>
      </div>
      {told !== null ? <div class="huge">{valueWords(told.readBack, facts)}</div> : <div class="huge ghost">–</div>}
      <small class="dim">{underVerified(last, told, facts)}</small>
    </div>
  );
}

function underVerified(last: Command | null, told: Command | null, facts: TagFacts): string {
  if (last === null) return "";
  if (last.state === "mismatch" && last.readBack !== null) {
    return `read-back differs by ${valueWords(Math.abs(last.readBack - last.value), facts)}`;
  }
  if (last.running) return "waits for read-back";
  if (told === null) return "not read back as asked";
  const [sent, done] = [msOrNull(told.sentAt), msOrNull(told.doneAt)];
  return sent === null || done === null ? "read back" : `read back in ${((done - sent) / 1000).toFixed(1)} s`;
}

function whyOff(tag: WritableTag, last: Command | null): string | null {
  const role = whyNot("command");
  if (role !== null) return role;
  if (last?.running) return `A command of ${last.requestedBy} is running on it; wait until it has ended.`;
  return tag.off;
}

function when(iso: string | null): string {
  const ms = msOrNull(iso);
  return ms === null ? "" : whenText(ms, nowMs.value, zone.value);
}
