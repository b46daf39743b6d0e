export type WellLook = "normal" | "down" | "no-data" | "bad" | "uncertain";

export const WELL_WORDS: Record<WellLook, string> = {
  normal: "normal",
  down: "down",
  "no-data": "no data",
  bad: "quality BAD",
  uncertain: "quality UNCERTAIN",
};

/** State of a well on which no alarm stands. silent: words beside it say the same. */
export function WellMark({ look, silent = false }: { look: WellLook; silent?: boolean }) {
  const says = silent
    ? ({ "aria-hidden": true } as const)
    : ({ role: "img", "aria-label": WELL_WORDS[look] } as const);
  return (
    <svg class="al" viewBox="0 0 20 20" {...says}>
      <WellDrawing look={look} />
    </svg>
  );
}

/** The mark alone, in a box of 20 × 20, to put into other drawings. */
export function WellDrawing({ look }: { look: WellLook }) {
  switch (look) {
    case "normal":
      return <rect class="tn" x="4" y="4" width="12" height="12" rx="1" />;
    case "down":
      return <path class="td" d="M3 3h14v14H3zM4.5 15.5L15.5 4.5" />;
    case "no-data":
      return <rect class="ts" x="3" y="3" width="14" height="14" />;
    case "bad":
      return <path class="tq" d="M4 4l12 12M16 4L4 16" />;
    case "uncertain":
      return <path class="tq" d="M6 7a4 4 0 1 1 5.8 3.5c-1.3.7-1.8 1.3-1.8 2.7M10 16.8v.1" />;
  }
}
