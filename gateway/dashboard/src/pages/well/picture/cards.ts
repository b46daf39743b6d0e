// Drawings that are built in. They show tags that exist, and nothing that would have to be guessed.

import type { Stop } from "../../../live/frame-loop.ts";
import { live } from "../../../live/live.ts";
import type { Presented } from "../../../model/present.ts";
import type { Template } from "../../../rest/types/pictures.ts";
import type { WellAnswer } from "../../../rest/types/wells.ts";
import { type Box, boxOf, svg } from "./drawn.ts";
import { operatingPoint } from "./operating-point.ts";
import { pressureDepth } from "./pressure-depth.ts";
import { type Part, partOf } from "./roles.ts";

/** A role's tag with what is known of it now. */
export interface Known {
  part: Part & { kind: "tag" };
  shown: Presented | null;
  value: number | null;
}

export interface CardDrawing {
  /** Roles that it is drawn of. */
  roles: readonly string[];
  /** Those without which it says nothing. */
  needed: readonly string[];
  /** Draws its axes into a box of this size; answers what to do whenever something is known anew. */
  begin(into: SVGElement, box: Box, known: (role: string) => Known | null): () => void;
}

const HEAD_PX = 26;
const CARDS: Record<string, CardDrawing> = {
  operating_point: operatingPoint,
  pressure_depth: pressureDepth,
};

/** The g's first rect is the frame. What has no tags is drawn empty, and says so. */
export function card(group: SVGElement, name: string, template: Template, well: WellAnswer): Stop {
  const frame = group.querySelector("rect");
  const { x, y, width, height } = frame === null ? { x: 0, y: 0, width: 160, height: 216 } : boxOf(frame);
  const into = svg("g", { class: "crd", transform: `translate(${x} ${y + HEAD_PX})` });
  group.append(into);
  const box = { x: 0, y: 0, width, height: height - HEAD_PX };
  const drawing = CARDS[name];
  const known = new Map<string, Known>();
  for (const role of drawing?.roles ?? []) {
    const part = partOf(role, template.roles[role], well);
    if (part.kind === "tag") known.set(role, { part, shown: null, value: null });
  }
  const missing = drawing?.needed.filter((role) => !known.has(role)) ?? null;
  if (drawing === undefined || missing === null || missing.length > 0) {
    empty(into, frame, box, missing ?? []);
    return () => undefined;
  }
  const draw = drawing.begin(into, box, (role) => known.get(role) ?? null);
  const stops = [...known.values()].map((one) =>
    live().wells.watchShown(
      well.wellId,
      one.part.tag,
      (shown) => {
        const cell = live().wells.feed(well.wellId).cells.get(one.part.own.tagName);
        const value = cell?.value ?? cell?.lastKnown?.value ?? null;
        one.shown = shown;
        one.value = value === null || shown.mark === "bad" ? null : one.part.turn(value);
        draw();
      },
      one.part.turn,
    ),
  );
  draw();
  return () => {
    for (const stop of stops) stop();
  };
}

/** Axes without a curve. */
function empty(into: SVGElement, frame: Element | null, box: Box, missing: readonly string[]): void {
  frame?.classList.add("unmapped");
  const middle = box.width / 2;
  into.append(
    svg("path", { class: "lead", d: `M24 14V${box.height - 32}H${box.width - 10}` }),
    svg("text", { class: "qt", x: middle, y: box.height / 2 - 14, "text-anchor": "middle" }, "not mapped"),
  );
  if (missing.length > 0) {
    into.append(svg("title", {}, `No tag plays ${missing.join(", ")}.`));
  }
}
