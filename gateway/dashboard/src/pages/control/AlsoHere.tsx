import { useEffect } from "preact/hooks";
import { zone } from "../../frame/zone.ts";
import { live } from "../../live/live.ts";
import { titleOf } from "../../model/attention.ts";
import { commandLabel } from "../../model/commands.ts";
import { clockMinutes, clockText, msOf } from "../../model/times.ts";
import type { Command } from "../../rest/types/commands.ts";

/** Other people on this panel, and what each of them last asked for. */
export function AlsoHere({ wellId, commands, say }: { wellId: string; commands: readonly Command[]; say: (command: Command) => string }) {
  useEffect(() => {
    live().presence.at(wellId);
    return () => live().presence.at(null);
  }, [wellId]);
  const people = live().presence.people.value;
  if (people.length === 0) return null;
  return (
    <div class="note also" role="status">
      <b>Also here now:</b>{" "}
      {people.map((person) => {
        const last = commands.find((one) => one.requestedBy === person.subject);
        return (
          <span key={person.clientId}>
            {person.subject} ({person.role}) has this panel open since {clockMinutes(msOf(person.since), zone.value)}.
            {last !== undefined &&
              ` Last asked for: ${clockText(msOf(last.requestedAt), zone.value)}, ${titleOf(last)} → ${say(last)}, ${commandLabel(last).toLowerCase()}.`}{" "}
          </span>
        );
      })}
    </div>
  );
}
