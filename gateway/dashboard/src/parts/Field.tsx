import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface FieldProps {
  label: string;
  /** Gets the ids and states that tie the input to its words. */
  children: (ties: {
    id: string;
    "aria-describedby": string | undefined;
    "aria-invalid": boolean | undefined;
  }) => ComponentChildren;
  hint?: ComponentChildren;
  /** What is wrong and what to do; shown with a cross. */
  wrong?: ComponentChildren;
}

export function Field({ label, children, hint, wrong }: FieldProps) {
  const id = useId();
  const bad = wrong !== undefined && wrong !== null && wrong !== "";
  const said = bad || hint !== undefined;
  return (
    <label class="field" for={id}>
      <span>{label}</span>
      {children({
        id,
        "aria-describedby": said ? `${id}-more` : undefined,
        "aria-invalid": bad || undefined,
      })}
      {said && (
        <small id={`${id}-more`} class={bad ? "wrong" : undefined} role={bad ? "alert" : undefined}>
          {bad ? <>✕ {wrong}</> : hint}
        </small>
      )}
    </label>
  );
}
