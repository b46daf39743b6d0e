import { PRIORITY_WORDS } from "../model/alarms.ts";
import type { Priority } from "../rest/types/alarms.ts";

export interface AlarmShapeProps {
  priority: Priority;
  unacknowledged?: boolean;
  /** Its cause has gone, or it is latched. shapeOf(alarm) gives all three. */
  returned?: boolean;
  /** s 16 px, m 20 px, l 28 px (wall, dialogs). */
  size?: "s" | "m" | "l";
  /** Set where words beside it say the same: then it is a drawing only. */
  silent?: boolean;
}

/** Colour, shape and number say the priority; ring and blink say unacknowledged; hollow says returned. */
export function AlarmShape(props: AlarmShapeProps) {
  const { priority, unacknowledged = false, returned = false, size = "m", silent = false } = props;
  const says = silent
    ? ({ "aria-hidden": true } as const)
    : ({ role: "img", "aria-label": inWords(priority, unacknowledged, returned) } as const);
  return (
    <svg
      class={`${alarmClass(props)}${size === "m" ? "" : ` ${size}`}`}
      viewBox="0 0 20 20"
      {...says}
    >
      <AlarmDrawing priority={priority} unacknowledged={unacknowledged} />
    </svg>
  );
}

/** The class that AlarmDrawing needs on the svg or g around it. */
export function alarmClass(
  shape: Pick<AlarmShapeProps, "priority" | "unacknowledged" | "returned">,
): string {
  return `al p${shape.priority}${shape.unacknowledged ? " un" : ""}${shape.returned ? " rtn" : ""}`;
}

/** The shape alone, in a box of 20 × 20, to put into other drawings. */
export function AlarmDrawing({
  priority,
  unacknowledged,
}: {
  priority: Priority;
  unacknowledged: boolean;
}) {
  const { body, ring, number } = SHAPES[priority];
  return (
    <>
      {unacknowledged && <path class="ring" d={ring} />}
      <path class="f" d={body} />
      <text x="10" y={number}>
        {priority}
      </text>
    </>
  );
}

function inWords(priority: Priority, unacknowledged: boolean, returned: boolean): string {
  const state = unacknowledged
    ? returned
      ? "returned, unacknowledged"
      : "unacknowledged"
    : "acknowledged";
  return `Priority ${priority} ${PRIORITY_WORDS[priority]}, ${state}`;
}

/** Paths of the shapes, to be drawn elsewhere. */
export const SHAPES: Record<Priority, { body: string; ring: string; number: number }> = {
  1: {
    body: "M4 2h12a2 2 0 0 1 2 2v12a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V4a2 2 0 0 1 2-2z",
    ring: "M2.7-1.3h14.6a4 4 0 0 1 4 4v14.6a4 4 0 0 1-4 4H2.7a4 4 0 0 1-4-4V2.7a4 4 0 0 1 4-4z",
    number: 14.3,
  },
  2: { body: "M10 1.5L19 18H1z", ring: "M10-3.5L22.6 20.5H-2.6z", number: 15.6 },
  3: {
    body: "M10 .8L19.2 10 10 19.2.8 10z",
    ring: "M10-3.6L23.6 10 10 23.6-3.6 10z",
    number: 14.2,
  },
  4: {
    body: "M18.4 10a8.4 8.4 0 1 1-16.8 0 8.4 8.4 0 0 1 16.8 0",
    ring: "M21.6 10a11.6 11.6 0 1 1-23.2 0 11.6 11.6 0 0 1 23.2 0",
    number: 14.3,
  },
};
