import type { ComponentChildren } from "preact";
import { me } from "../../frame/gateway.ts";
import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { titleOf } from "../../model/attention.ts";
import { commandLabel } from "../../model/commands.ts";
import { msOf, whenText } from "../../model/times.ts";
import { Panel } from "../../parts/Panel.tsx";
import type { Command } from "../../rest/types/commands.ts";
import { byWhom } from "./words.ts";

export interface CommandLogProps {
  title: string;
  commands: readonly Command[];
  say: (command: Command) => string;
  /** Names the well in each line. */
  isOfMany?: boolean;
  empty: ComponentChildren;
}

/** Commands, the newest first, with what became of each. */
export function CommandLog({ title, commands, say, isOfMany = false, empty }: CommandLogProps) {
  const subject = me.value?.subject ?? "";
  return (
    <Panel title={title} pad={false} class="log">
      {commands.length === 0 ? (
        <p class="pad dim2">{empty}</p>
      ) : (
        <div class="tbl">
          {commands.map((command) => (
            <div key={command.commandId} class="tr">
              <span class="dim">{whenText(msOf(command.requestedAt), nowMs.value, zone.value)}</span>
              <span>
                <b>
                  {isOfMany && (
                    <>
                      <a href={`/wells/${encodeURIComponent(command.wellId)}/control`}>{command.wellId}</a>{" "}
                    </>
                  )}
                  {titleOf(command)} → {say(command)}
                </b>
                <br />
                <small class="dim">
                  {byWhom(command, subject)} · “{command.reason}”
                </small>
              </span>
              <span title={command.message}>{commandLabel(command)}</span>
            </div>
          ))}
        </div>
      )}
    </Panel>
  );
}
