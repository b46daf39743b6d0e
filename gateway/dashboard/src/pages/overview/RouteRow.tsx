import { counted } from "../../model/numbers.ts";

export interface RouteRowProps {
  route: string;
  wells: number;
  alarms: number;
  row: number;
  top: number;
  cells: number;
}

/** Heading of a route in a flood. */
export function RouteRow({ route, wells, alarms, row, top, cells }: RouteRowProps) {
  return (
    <div
      role="row"
      aria-rowindex={row + 1}
      class="tr route"
      style={{ transform: `translateY(${top}px)` }}
    >
      <span role="rowheader" aria-colspan={cells} class="row between">
        <b>{route === "" ? "No route told" : route}</b>
        <small class="dim2">
          {counted(wells, "well")}, {alarms} with an alarm
        </small>
      </span>
    </div>
  );
}
