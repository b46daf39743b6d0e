import { useSignal } from "@preact/signals";
import { alarmWords } from "../../frame/alarm-words.ts";
import { whyNot } from "../../frame/gateway.ts";
import { Button } from "../../parts/Button.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Field } from "../../parts/Field.tsx";
import { Problem } from "../../parts/Problem.tsx";
import { Segment } from "../../parts/Segment.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import { actProblem, isActing } from "./acting.ts";

const TIMES = [
  { value: "15", text: "15 min" },
  { value: "60", text: "1 h" },
  { value: "240", text: "4 h" },
  { value: "480", text: "8 h" },
];

export interface SetAsideProps {
  alarms: readonly Alarm[];
  /** shelve: for a time; out-of-service: until somebody takes it back. */
  action: "shelve" | "out-of-service";
  onClose: () => void;
  onDo: (words: { reason: string; minutes?: number }) => void;
}

/** Setting alarms aside takes a reason, and shelving an end. */
export function ShelveDialog({ alarms, action, onClose, onDo }: SetAsideProps) {
  const minutes = useSignal("60");
  const reason = useSignal("");
  const isTouched = useSignal(false);
  const isShelving = action === "shelve";
  const [first] = alarms;
  const words = first === undefined ? null : alarmWords(first, null);
  const what = alarms.length === 1 && words !== null ? `${words.where}: ${words.what}` : `${alarms.length} alarms`;

  function go() {
    isTouched.value = true;
    const said = reason.peek().trim();
    if (said !== "") onDo(isShelving ? { reason: said, minutes: Number(minutes.peek()) } : { reason: said });
  }

  return (
    <Dialog
      title={`${isShelving ? "Shelve" : "Take out of service"}: ${what}`}
      onClose={onClose}
      footer={
        <>
          <Button big autofocus onClick={onClose}>
            Cancel <kbd>Esc</kbd>
          </Button>
          <Button big kind="pri" onClick={go} off={whyNot(action) ?? (isActing.value ? "It is on its way." : null)} offSaidNearby>
            {isShelving ? "Shelve" : "Take out of service"}
          </Button>
        </>
      }
    >
      {isShelving ? (
        <>
          <Segment label="For how long" options={TIMES} value={minutes.value} onChange={(value) => (minutes.value = value)} />
          <p class="dim2">It is off the list and silent until then, at most 8 h. It comes back by itself.</p>
        </>
      ) : (
        <p class="dim2">It is off the list and silent until an engineer takes it back into service.</p>
      )}
      <Field label="Reason (needed, kept in the audit log)" wrong={isTouched.value && reason.value.trim() === "" ? "Say why; the next shift reads it." : null}>
        {(ties) => <textarea {...ties} class="input" rows={2} maxLength={500} value={reason.value} onInput={(event) => (reason.value = event.currentTarget.value)} />}
      </Field>
      <Problem says={actProblem.value} />
    </Dialog>
  );
}
