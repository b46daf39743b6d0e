import { useSignal } from "@preact/signals";
import { Button } from "../../parts/Button.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Field } from "../../parts/Field.tsx";
import { Problem } from "../../parts/Problem.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import { actProblem, isActing } from "./acting.ts";

/** Acknowledging many at once takes a comment: it says that they were looked at as one. */
export function GroupDialog({ alarms, onClose, onDo }: { alarms: readonly Alarm[]; onClose: () => void; onDo: (comment: string) => void }) {
  const comment = useSignal("");
  const isTouched = useSignal(false);
  const isMissing = comment.value.trim() === "";
  function go() {
    isTouched.value = true;
    if (comment.peek().trim() !== "") onDo(comment.peek().trim());
  }
  return (
    <Dialog
      title={alarms.length === 1 ? "Acknowledge the alarm" : `Acknowledge ${alarms.length} alarms as one group`}
      onClose={onClose}
      footer={
        <>
          <Button big autofocus onClick={onClose}>
            Cancel <kbd>Esc</kbd>
          </Button>
          <Button big kind="pri" onClick={go} off={isActing.value ? "It is on its way." : null} offSaidNearby>
            Acknowledge
          </Button>
        </>
      }
    >
      <Field label="Comment (needed, kept in the history)" wrong={isTouched.value && isMissing ? "Say what their common cause is, or what is done about it." : null}>
        {(ties) => <textarea {...ties} class="input" rows={2} maxLength={500} value={comment.value} onInput={(event) => (comment.value = event.currentTarget.value)} />}
      </Field>
      <Problem says={actProblem.value} />
    </Dialog>
  );
}
