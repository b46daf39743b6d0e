import { useComputed, useSignal } from "@preact/signals";
import { useRef } from "preact/hooks";
import { client, tenant, whyNot } from "../../frame/gateway.ts";
import { titleOf } from "../../model/attention.ts";
import { newKey } from "../../model/commands.ts";
import { Button } from "../../parts/Button.tsx";
import { Dialog } from "../../parts/Dialog.tsx";
import { Field } from "../../parts/Field.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Problem } from "../../parts/Problem.tsx";
import { useShown } from "../../parts/use-shown.ts";
import { sentenceOfError } from "../../rest/problem.ts";
import type { CommandAnswer, WritableTag } from "../../rest/types/commands.ts";
import type { TagFacts } from "../../rest/types/wells.ts";
import { ValueChoice } from "./ValueChoice.tsx";
import { numberOf, valueWords, wrongWith } from "./words.ts";

const REASON_MAX = 500;

export interface CommandDialogProps {
  wellTitle: string;
  tag: WritableTag;
  facts: TagFacts;
  onClose: () => void;
  onSent: (answer: CommandAnswer) => void;
}

/** Two steps: which value and why, then both side by side. Nothing is sent by Enter. */
export function CommandDialog({ wellTitle, tag, facts, onClose, onSent }: CommandDialogProps) {
  const shown = useShown(tag.wellId, facts);
  const text = useSignal("");
  const reason = useSignal("");
  const step = useSignal<1 | 2>(1);
  const isTouched = useSignal(false);
  const isSure = useSignal(false);
  const isSending = useSignal(false);
  const problem = useSignal<string | null>(null);
  // One key for what is wanted here: trying again after a lost answer never writes twice.
  const key = useRef<string>(newKey());
  const wrong = useComputed(() => wrongWith(text.value, tag, facts));
  const isPlain = shown.mark === "good";
  const off = whyNot("command") ?? tag.off;

  function review() {
    isTouched.value = true;
    if (wrong.peek() === null && reason.peek().trim() !== "") step.value = 2;
  }

  async function send() {
    const value = numberOf(text.peek());
    if (value === null || isSending.peek()) return;
    isSending.value = true;
    problem.value = null;
    try {
      const asked = { wellId: tag.wellId, tagName: tag.tagName, value, reason: reason.peek().trim() };
      onSent(await client.control({ ...asked, idempotencyKey: key.current }));
    } catch (error) {
      problem.value = sentenceOfError(error);
    } finally {
      isSending.value = false;
    }
  }

  const where = (
    <>
      {titleOf(facts)} of {wellTitle}
      <small class="dim row">
        Tenant {tenant.value} · step {step.value} of 2, {step.value === 1 ? "which value and why" : "check and send"}
      </small>
    </>
  );
  const cancel = (
    <Button big autofocus onClick={onClose}>
      Cancel <kbd>Esc</kbd>
    </Button>
  );
  if (step.value === 1) {
    return (
      <Dialog
        title={where}
        class="command"
        onClose={onClose}
        footer={
          <>
            {cancel}
            <Button big kind="pri" onClick={review}>
              Review
            </Button>
          </>
        }
      >
        <p class="dim2">
          Now <b>{shown.words}</b>
        </p>
        <ValueChoice tag={tag} facts={facts} text={text} wrong={isTouched.value ? wrong.value : null} />
        <Field
          label="Reason (needed, kept in the audit log)"
          wrong={isTouched.value && reason.value.trim() === "" ? "Say why; whoever reads the log next asks this first." : null}
        >
          {(ties) => (
            <textarea
              {...ties}
              class="input"
              rows={2}
              maxLength={REASON_MAX}
              value={reason.value}
              onInput={(event) => (reason.value = event.currentTarget.value)}
            />
          )}
        </Field>
      </Dialog>
    );
  }
  const sureOff = !isPlain && !isSure.value ? "Say first that the present value is not to be trusted." : null;
  return (
    <Dialog
      key="review"
      title={where}
      class="command"
      onClose={onClose}
      footer={
        <>
          {cancel}
          <Button big onClick={() => (step.value = 1)}>
            Back
          </Button>
          <Button big kind="pri" onClick={() => void send()} off={off ?? sureOff ?? (isSending.value ? "It is on its way." : null)} offSaidNearby={off === null}>
            {tag.approval === "required" ? "Send for approval" : "Send"}
          </Button>
        </>
      }
    >
      <div class="fromto">
        <div>
          <small class="dim">Now</small>
          <div class="n">
            {shown.text} {shown.unit}
          </div>
          <small class="dim">{isPlain ? `GOOD · ${shown.age}` : shown.label}</small>
        </div>
        <Icon name="next" label="becomes" />
        <div class="to">
          <small class="dim">Will be</small>
          <div class="n">{valueWords(numberOf(text.value), facts)}</div>
          <small class="dim">once it is read back</small>
        </div>
      </div>
      <p class="note">“{reason.value.trim()}”</p>
      {!isPlain && (
        <label class="sure">
          <input type="checkbox" checked={isSure.value} onChange={(event) => (isSure.value = event.currentTarget.checked)} />
          <span>
            The present value is not to be trusted: {shown.words}. Change it all the same.
          </span>
        </label>
      )}
      <p class="note">
        {tag.approval === "required" && "A second person must approve within 10 min. "}
        If the device is offline the command is refused, never queued.
      </p>
      <Problem says={problem.value} />
    </Dialog>
  );
}
