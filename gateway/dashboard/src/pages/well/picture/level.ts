// How full a box is, with the limits at its sides.

import { LIMIT_WORDS, barOf } from "../../../model/limits.ts";
import type { TagFacts } from "../../../rest/types/wells.ts";
import { type Shows, boxOf, oneClass, svg } from "./drawn.ts";

const TICK_PX = 6;

/** The rect is the whole box, the tag's low to high; from: the side that the value is measured from. */
export function level(rect: SVGElement, tag: TagFacts, from: "bottom" | "top"): Shows {
  const box = boxOf(rect);
  const surface = svg("path", { class: "ln surface", visibility: "hidden" });
  rect.after(surface);
  const bar = barOf(tag);
  const yOf = (at: number) => box.y + (from === "top" ? at : 1 - at) * box.height;
  for (const tick of bar?.ticks ?? []) {
    const y = round(yOf(tick.at));
    const right = box.x + box.width;
    surface.before(svg("path", { class: tick.hard ? "lim hh" : "lim", d: `M${right - 5} ${y}h${TICK_PX + 5}` }));
    if (from === "bottom") {
      surface.before(svg("text", { class: "limw", x: right + TICK_PX + 1.5, y: y + 4 }, LIMIT_WORDS[tick.condition]));
    }
  }
  return {
    show(shown) {
      const { pointer } = shown;
      if (pointer === null) {
        rect.setAttribute("visibility", "hidden");
        surface.setAttribute("visibility", "hidden");
        return;
      }
      const y = round(yOf(pointer.at));
      rect.setAttribute("y", String(y));
      rect.setAttribute("height", String(round(box.y + box.height - y)));
      rect.setAttribute("visibility", "visible");
      surface.setAttribute("d", `M${box.x} ${y}h${box.width}`);
      surface.setAttribute("visibility", "visible");
      const look = shown.mark === "good" ? null : shown.mark === "uncertain" ? "unc" : "stale";
      oneClass(rect, ["unc", "stale"], look);
      oneClass(surface, ["unc", "stale"], look);
    },
  };
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
