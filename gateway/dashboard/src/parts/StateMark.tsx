import type { ComponentChildren } from "preact";

const GLYPHS = {
  ok: "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0M5.5 8.2l1.8 1.8 3.4-3.8",
  check: "M3 8.5l3.5 3.5L13 4.5",
  cross: "M3 3l10 10M13 3L3 13",
  warning: "M8 2L15 14H1zM8 6.5v4M8 12.3v.1",
  pause: "M5.5 3v10M10.5 3v10",
  attention: "M8 2v7M8 13v.2",
  returned: "M12.5 5.5A5 5 0 1 0 13 9M13 2.5v3.5H9.5",
  clock: "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0M8 4.8V8l2 1.4",
  wait: "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0",
  blocked: "M13.5 8a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0M4.2 11.8l7.6-7.6",
  question: "M5 5.6a3 3 0 1 1 4.4 2.7c-1 .5-1.4 1-1.4 2M8 13v.1",
  sent: "M2 8h11M9 4l4 4-4 4",
} as const;

export type StateGlyph = keyof typeof GLYPHS;

/** A state by glyph and word; the word may be hidden where the glyph stands beside it already. */
export function StateMark({ glyph, children }: { glyph: StateGlyph; children: ComponentChildren }) {
  return (
    <span class="state">
      <svg viewBox="0 0 16 16" aria-hidden="true">
        <path d={GLYPHS[glyph]} stroke-dasharray={glyph === "wait" ? "2.4 2.2" : undefined} />
      </svg>
      {children}
    </span>
  );
}
