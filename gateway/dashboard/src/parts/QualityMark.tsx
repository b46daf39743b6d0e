import type { Mark } from "../model/present.ts";

export interface QualityMarkProps {
  mark: Mark;
  /** Presented.label: "STALE 13 min". */
  label: string;
  /** Where there is no room for the word: it stays for screen readers and as a title. */
  glyphOnly?: boolean;
}

/** Outline, glyph and word; nothing where the value is plainly good. */
export function QualityMark({ mark, label, glyphOnly = false }: QualityMarkProps) {
  if (mark === "good") return null;
  const { name, glyph } = MARKS[mark];
  return (
    <span class={glyphOnly ? `q ${name} only` : `q ${name}`} title={glyphOnly ? label : undefined}>
      <svg viewBox="0 0 12 12" aria-hidden="true">
        <path d={glyph} />
      </svg>
      {glyphOnly ? <span class="vh">{label}</span> : label}
    </span>
  );
}

const DASH = "M2 6h8";
const MARKS: Record<Exclude<Mark, "good">, { name: string; glyph: string }> = {
  uncertain: {
    name: "unc",
    glyph: "M3.5 4.2a2.5 2.5 0 1 1 3.6 2.2c-.8.4-1.1.8-1.1 1.6M6 10.3v.1",
  },
  bad: { name: "bad", glyph: "M2 2l8 8M10 2L2 10" },
  stale: {
    name: "stale",
    glyph: "M10.6 6a4.6 4.6 0 1 1-9.2 0 4.6 4.6 0 0 1 9.2 0M6 3.2V6.2L8 7.5",
  },
  none: { name: "none", glyph: DASH },
  unmapped: { name: "none", glyph: DASH },
};
