import type { Signal } from "@preact/signals";
import { useId } from "preact/hooks";
import { Field } from "../../parts/Field.tsx";
import type { WritableTag } from "../../rest/types/commands.ts";
import type { TagFacts } from "../../rest/types/wells.ts";
import { limitWords, valueWords } from "./words.ts";

export interface ValueChoiceProps {
  tag: WritableTag;
  facts: TagFacts;
  /** What was typed or chosen, as text. */
  text: Signal<string>;
  wrong: string | null;
}

/** A number within the limits, or one of the tag's states. */
export function ValueChoice({ tag, facts, text, wrong }: ValueChoiceProps) {
  const name = useId();
  if (tag.states.length === 0) {
    return (
      <Field label={`New value${facts.unit === "" ? "" : ` [${facts.unit}]`}`} hint={limitWords(tag, facts)} wrong={wrong}>
        {(ties) => (
          <input
            {...ties}
            class="input"
            inputMode="decimal"
            autoComplete="off"
            value={text.value}
            onInput={(event) => (text.value = event.currentTarget.value)}
          />
        )}
      </Field>
    );
  }
  return (
    <fieldset class="choices">
      <legend>New value</legend>
      {tag.states.map((state) => (
        <label key={state}>
          <input type="radio" name={name} checked={text.value === String(state)} onChange={() => (text.value = String(state))} />
          {valueWords(state, facts)}
        </label>
      ))}
      {wrong !== null && (
        <small class="wrong" role="alert">
          ✕ Choose one.
        </small>
      )}
    </fieldset>
  );
}
