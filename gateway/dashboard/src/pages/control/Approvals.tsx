import { useSignal } from "@preact/signals";
import { client, me, role, whyNot } from "../../frame/gateway.ts";
import { nowMs } from "../../frame/now.ts";
import { live } from "../../live/live.ts";
import { titleOf } from "../../model/attention.ts";
import { isWaitingForApproval, whyNotDecide } from "../../model/commands.ts";
import { msOf, untilText } from "../../model/times.ts";
import { Button } from "../../parts/Button.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Field } from "../../parts/Field.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { Problem } from "../../parts/Problem.tsx";
import { sentenceOfError } from "../../rest/problem.ts";
import type { Command } from "../../rest/types/commands.ts";

/** What waits for a second person; the one who asked sees it too, and why they cannot decide. */
export function Approvals({ commands, say }: { commands: readonly Command[]; say: (command: Command) => string }) {
  const chosen = useSignal<{ command: Command; approve: boolean } | null>(null);
  const waiting = commands.filter(isWaitingForApproval);
  if (waiting.length === 0) return null;
  return (
    <Panel title="Waiting for a second person" aside={`${waiting.length}`} pad={false} class="waiting">
      <div class="tbl">
        {waiting.map((command) => {
          const off = whyNot("approve") ?? whyNotDecide(command, me.value?.subject ?? "", role.value);
          return (
            <div key={command.commandId} class="tr">
              <span>
                <b>
                  {command.wellId}: {titleOf(command)} → {say(command)}
                </b>
                <br />
                <small class="dim">
                  {command.requestedBy} · “{command.reason}” · {untilText(msOf(command.expiresAt) - nowMs.value)} left
                </small>
                {off !== null && (
                  <>
                    <br />
                    <small>{off}</small>
                  </>
                )}
              </span>
              <span class="row">
                <Button off={off} offSaidNearby onClick={() => (chosen.value = { command, approve: false })}>
                  Reject…
                </Button>
                <Button off={off} offSaidNearby onClick={() => (chosen.value = { command, approve: true })}>
                  Approve…
                </Button>
              </span>
            </div>
          );
        })}
      </div>
      {chosen.value !== null && <Decision {...chosen.value} say={say} onClose={() => (chosen.value = null)} />}
    </Panel>
  );
}

interface DecisionProps {
  command: Command;
  approve: boolean;
  say: (command: Command) => string;
  onClose: () => void;
}

function Decision({ command, approve, say, onClose }: DecisionProps) {
  const comment = useSignal("");
  const problem = useSignal<string | null>(null);
  const isSending = useSignal(false);

  async function decide() {
    if (isSending.peek()) return;
    isSending.value = true;
    try {
      live().commands.take(await client.decide(command.commandId, approve, comment.peek().trim()));
      onClose();
    } catch (error) {
      problem.value = sentenceOfError(error);
    } finally {
      isSending.value = false;
    }
  }

  return (
    <Dialog
      title={`${approve ? "Approve" : "Reject"}: ${titleOf(command)} of ${command.wellId}`}
      class="command"
      onClose={onClose}
      footer={
        <>
          <Button big autofocus onClick={onClose}>
            Cancel <kbd>Esc</kbd>
          </Button>
          <Button big kind="pri" onClick={() => void decide()} off={isSending.value ? "It is on its way." : null} offSaidNearby>
            {approve ? "Approve and send" : "Reject"}
          </Button>
        </>
      }
    >
      <p>
        {command.requestedBy} asks for <b>{say(command)}</b>: “{command.reason}”
      </p>
      <Field label="Comment (kept in the audit log)">
        {(ties) => (
          <textarea {...ties} class="input" rows={2} maxLength={500} value={comment.value} onInput={(event) => (comment.value = event.currentTarget.value)} />
        )}
      </Field>
      <Problem says={problem.value} />
    </Dialog>
  );
}
