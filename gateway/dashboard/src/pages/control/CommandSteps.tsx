import { zone } from "../../frame/zone.ts";
import { type ShownStep, stepsOf } from "../../model/commands.ts";
import { clockText } from "../../model/times.ts";
import type { Command, CommandStep } from "../../rest/types/commands.ts";

const LOOKS = { done: "done", skipped: "skipped", current: "now", failed: "fail", pending: "" } as const;
const SAID = { done: "done", skipped: "not needed", current: "now", failed: "failed", pending: "to come" } as const;

/** How far a command is; its end in words when it did not go well. */
export function CommandSteps({ command, steps }: { command: Command; steps: readonly CommandStep[] }) {
  return (
    <ol class="steps" aria-label="Progress of the command">
      {stepsOf(command, steps).map((step) => (
        <li key={step.state} class={`step ${LOOKS[step.status]}`} aria-current={step.status === "current" ? "step" : undefined}>
          <b>
            {step.word}
            {step.status === "current" && "…"}
          </b>
          <span>{underneath(step)}</span>
          <span class="vh">, {SAID[step.status]}</span>
        </li>
      ))}
    </ol>
  );
}

function underneath(step: ShownStep): string {
  if (step.status === "failed") return step.detail;
  if (step.status === "skipped") return "not needed";
  return step.atMs === null ? step.detail : clockText(step.atMs, zone.value);
}
