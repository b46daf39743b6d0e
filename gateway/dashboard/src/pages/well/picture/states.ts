// Words, fills and what comes and goes with a state. What is not known now is shown as not known.

import { clockMinutes } from "../../../model/times.ts";
import type { TemplateBinding } from "../../../rest/types/pictures.ts";
import { type Shows, boxOf, isPresent, oneClass, svg } from "./drawn.ts";

const FILLS = ["run", "stop", "unknown"];

/** A text writes the word; shapes are filled as running, stopped or unknown. sinceMs: of the last word. */
export function state(element: SVGElement, binding: TemplateBinding, around: { sinceMs: () => number; zone: () => string }): Shows {
  const run = binding.run !== undefined && binding.run.length > 0 ? binding.run : ["1"];
  if (element.localName === "text") {
    return {
      show(shown) {
        const word =
          shown.mark === "unmapped"
            ? "STATE NOT MAPPED"
            : !isPresent(shown)
              ? unknown(shown.mark === "none" ? Number.NaN : around.sinceMs(), around.zone())
              : `${shown.text}${shown.mark === "uncertain" ? " ?" : ""}`;
        if (element.textContent !== word) element.textContent = word;
      },
    };
  }
  const parts = element.localName === "g" ? element.querySelectorAll(".eq") : [element];
  return {
    show(shown, value) {
      const look = !isPresent(shown) || value === null ? "unknown" : run.includes(String(value)) ? "run" : "stop";
      for (const part of parts) oneClass(part, FILLS, look);
    },
  };
}

/** Seen while the value is above its dead band; a flow that is not known is not drawn as one. */
export function flow(element: SVGElement, above: number): Shows {
  return {
    show(shown, value) {
      seen(element, isPresent(shown) && value !== null && value > above);
    },
  };
}

/** Seen in the listed states. */
export function show(element: SVGElement, states: readonly string[]): Shows {
  return {
    show(shown, value) {
      seen(element, isPresent(shown) && value !== null && states.includes(String(value)));
    },
  };
}

/** 0 to 100 % of the rect, along its longer side. */
export function position(rect: SVGElement): Shows {
  const box = boxOf(rect);
  const isWide = box.width >= box.height;
  rect.before(svg("rect", { class: "track", x: box.x, y: box.y, width: box.width, height: box.height }));
  return {
    show(shown, value) {
      const share = value === null || shown.mark === "bad" ? 0 : Math.min(Math.max(value / 100, 0), 1);
      seen(rect, share > 0);
      rect.classList.toggle("stale", shown.mark === "stale");
      if (isWide) rect.setAttribute("width", (box.width * share).toFixed(1));
      else {
        rect.setAttribute("height", (box.height * share).toFixed(1));
        rect.setAttribute("y", (box.y + box.height * (1 - share)).toFixed(1));
      }
    },
  };
}

function unknown(sinceMs: number, zone: string): string {
  return Number.isFinite(sinceMs) ? `STATE UNKNOWN since ${clockMinutes(sinceMs, zone)}` : "STATE UNKNOWN";
}

function seen(element: Element, isSeen: boolean): void {
  element.setAttribute("visibility", isSeen ? "visible" : "hidden");
}
