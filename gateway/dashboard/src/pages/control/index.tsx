import { useEffect } from "preact/hooks";
import { useTitle } from "../../frame/title.ts";
import { live } from "../../live/live.ts";
import { wellLink } from "../../model/links.ts";
import { isWaitingForApproval } from "../../model/commands.ts";
import { typeWords } from "../../model/well-type.ts";
import { Empty } from "../../parts/Empty.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import type { Command } from "../../rest/types/commands.ts";
import { Approvals } from "./Approvals.tsx";
import { CommandLog } from "./CommandLog.tsx";
import "./control.css";

/** Commands of all wells, and the way to each well's panel. */
export default function Control() {
  const { commands, overview } = live();
  useTitle("Control");
  useEffect(() => commands.hold(null), []);
  const all = commands.all.value;
  const wells = overview.wells.value;
  const running = new Map<string, number>();
  for (const one of all) if (one.running) running.set(one.wellId, (running.get(one.wellId) ?? 0) + 1);
  const say = (command: Command) => sayWhere(command, wells);
  return (
    <>
      <div class="wh">
        <h1>Control</h1>
        <div class="facts">
          <span>Choose the well whose device is to be written to.</span>
        </div>
      </div>
      <div class="ctl">
        <div class="col gap3">
          <Approvals commands={all.filter(isWaitingForApproval)} say={say} />
          <Panel title="Wells" aside={wells === null ? undefined : `${wells.length}`} pad={false} class="wells">
            {wells === null && (
              <div class="pad">
                <Skeleton waitingFor="the wells of this tenant" />
              </div>
            )}
            {wells?.length === 0 && <Empty title="No wells yet">A well is there as soon as a connection reads tags of it.</Empty>}
            <div class="tbl">
              {wells?.map((well) => (
                <a key={well.wellId} class="tr" href={wellLink(well.wellId, "control")}>
                  <span>
                    <b class="nm">{well.title || well.wellId}</b> <span class="dim">{[typeWords(well.type), well.pad].filter(Boolean).join(" · ")}</span>
                  </span>
                  <span>{(running.get(well.wellId) ?? 0) > 0 && <span class="tag solid">{running.get(well.wellId)} RUNNING</span>}</span>
                  <span class="dim2">Control panel</span>
                </a>
              ))}
            </div>
          </Panel>
        </div>
        <CommandLog
          title="Last commands"
          commands={all.slice(0, 50)}
          say={say}
          isOfMany
          empty={commands.isLoaded.value ? "None yet." : "They are being read…"}
        />
      </div>
    </>
  );
}

function sayWhere(command: Command, wells: readonly { wellId: string; keys: readonly { tagName: string; stateNames: Record<string, string> }[] }[] | null): string {
  const key = wells?.find((one) => one.wellId === command.wellId)?.keys.find((one) => one.tagName === command.tagName);
  return key?.stateNames[String(command.value)] ?? `${command.value} ${command.unit}`.trim();
}
