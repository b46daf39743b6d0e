import type { Priority } from "../rest/types.ts";

export type AlarmLook = "unacknowledged" | "acknowledged" | "returned";

export interface AlarmShapeProps {
  priority: Priority;
  look: AlarmLook;
  /** s 16 px, m 20 px, l 28 px (wall, dialogs). */
  size?: "s" | "m" | "l";
  /** Set where words beside it say the same: then it is a drawing only. */
  silent?: boolean;
}

export const PRIORITY_WORDS: Record<Priority, string> = { 1: "Critical", 2: "High", 3: "Medium", 4: "Low" };

const LOOK_WORDS: Record<AlarmLook, string> = {
  unacknowledged: "unacknowledged",
  acknowledged: "acknowledged",
  returned: "returned, unacknowledged",
};

/** Colour, shape and number say the priority; ring and blink say unacknowledged; hollow says returned. */
export function AlarmShape({ priority, look, size = "m", silent = false }: AlarmShapeProps) {
  const says = silent
    ? ({ "aria-hidden": true } as const)
    : ({ role: "img", "aria-label": `Priority ${priority} ${PRIORITY_WORDS[priority]}, ${LOOK_WORDS[look]}` } as const);
  return (
    <svg class={alarmClass(priority, look, size)} viewBox="0 0 20 20" {...says}>
      <AlarmDrawing priority={priority} look={look} />
    </svg>
  );
}

/** The class that AlarmDrawing needs on the svg or g around it. */
export function alarmClass(priority: Priority, look: AlarmLook, size: "s" | "m" | "l" = "m"): string {
  const parts = ["al", `p${priority}`];
  if (size !== "m") parts.push(size);
  if (look !== "acknowledged") parts.push("un");
  if (look === "returned") parts.push("rtn");
  return parts.join(" ");
}

/** The shape alone, in a box of 20 × 20, to put into other drawings. */
export function AlarmDrawing({ priority, look }: { priority: Priority; look: AlarmLook }) {
  const { body, ring, number } = SHAPES[priority];
  return (
    <>
      {look !== "acknowledged" && <path class="ring" d={ring} />}
      <path class="f" d={body} />
      <text x="10" y={number}>
        {priority}
      </text>
    </>
  );
}

const SHAPES: Record<Priority, { body: string; ring: string; number: number }> = {
  1: {
    body: "M4 2h12a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2z",
    ring: "M2.7-1.3h14.6a4 4 0 0 1 4 4v14.6a4 4 0 0 1-4 4H2.7a4 4 0 0 1-4-4V2.7a4 4 0 0 1 4-4z",
    number: 14.3,
  },
  2: { body: "M10 1.5L19 18H1z", ring: "M10-3.5L22.6 20.5H-2.6z", number: 15.6 },
  3: { body: "M10 .8L19.2 10 10 19.2.8 10z", ring: "M10-3.6L23.6 10 10 23.6-3.6 10z", number: 14.2 },
  4: {
    body: "M18.4 10a8.4 8.4 0 1 1-16.8 0 8.4 8.4 0 0 1 16.8 0",
    ring: "M21.6 10a11.6 11.6 0 1 1-23.2 0 11.6 11.6 0 0 1 23.2 0",
    number: 14.3,
  },
};
