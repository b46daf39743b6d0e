import type { Presented } from "../model/present.ts";
import { QualityMark } from "./QualityMark.tsx";

export interface ValueCellProps {
  shown: Presented;
  /** In a narrow column: UNCERTAIN and STALE are marked by their glyph, BAD keeps its word. */
  compact?: boolean;
  /** The reason beside a value that is not good. */
  reason?: boolean;
  /** It was entered by a person. */
  manual?: boolean;
}

/** A value with its unit and, always, its mark. */
export function ValueCell({
  shown,
  compact = false,
  reason = false,
  manual = false,
}: ValueCellProps) {
  const { mark } = shown;
  const hasValue = mark !== "none" && mark !== "unmapped" && !(mark === "bad" && !shown.struck);
  const value = hasValue && (
    <span class={valueClass(shown, manual)}>
      {shown.struck ? <s>{shown.text}</s> : shown.text}
      {shown.unit !== "" && <i>{shown.unit}</i>}
    </span>
  );
  const label = (
    <QualityMark
      mark={mark}
      label={shown.label}
      glyphOnly={compact && mark !== "bad" && hasValue}
    />
  );
  return (
    <span class="vc" title={mark === "good" ? undefined : shown.words}>
      {mark === "bad" ? [label, value] : [value, label]}
      {manual && <span class="tag">MANUAL</span>}
      {reason && shown.reason !== "" && <small class="dim">{shown.reason}</small>}
      {shown.notes.map((note) => (
        <span key={note} class="tag">
          {note}
        </span>
      ))}
    </span>
  );
}

/** The class of the element that holds text and unit, for those that write values themselves. */
export function valueClass(shown: Presented, manual = false): string {
  const look =
    shown.mark === "uncertain"
      ? " unc"
      : shown.mark === "stale"
        ? " stale"
        : shown.mark === "bad"
          ? " bad"
          : "";
  return `v${look}${manual && look === "" ? " man" : ""}`;
}
