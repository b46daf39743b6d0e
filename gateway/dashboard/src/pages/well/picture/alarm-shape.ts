import { render } from "preact";
import { h } from "preact";
import { AlarmDrawing, type AlarmShapeProps, alarmClass } from "../../../parts/AlarmShape.tsx";
import { svg } from "./drawn.ts";

/** The same shape as everywhere else, at a place in the picture. */
export function alarmBody(
  shape: Pick<AlarmShapeProps, "priority" | "unacknowledged" | "returned">,
  x: number,
  y: number,
): SVGGElement {
  const group = svg("g", { class: alarmClass(shape), transform: `translate(${x} ${y})` });
  render(
    h(AlarmDrawing, { priority: shape.priority, unacknowledged: shape.unacknowledged ?? false }),
    group as unknown as HTMLElement,
  );
  return group;
}
