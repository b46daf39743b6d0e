// Pressures at the wellhead, and how deep the gas goes in. What lies between is not measured: no line.

import { formatNumber } from "../../../model/numbers.ts";
import type { CardDrawing, Known } from "./cards.ts";
import { isPresent, oneClass, svg } from "./drawn.ts";

const LEFT = 26;
const BOTTOM = 26;
const RIGHT = 10;
const TOP = 8;
const MARKS = [
  { role: "tubing_pressure", word: "tubing", below: 22 },
  { role: "casing_pressure", word: "casing", below: 38 },
] as const;

/** Pressure across, depth downwards. */
export const pressureDepth: CardDrawing = {
  roles: ["tubing_pressure", "casing_pressure", "lift_depth"],
  needed: ["tubing_pressure", "casing_pressure", "lift_depth"],
  begin(into, box, known) {
    const right = box.width - RIGHT;
    const bottom = box.height - BOTTOM;
    const depth = known("lift_depth") as Known;
    const ofMarks = MARKS.map((mark) => known(mark.role) as Known);
    const pressureHigh = Math.max(...ofMarks.map((one) => one.part.tag.high ?? 0)) || 1500;
    const depthHigh = depth.part.tag.high ?? 10_000;
    const across = (pressure: number) => LEFT + clamp(pressure / pressureHigh) * (right - LEFT);
    const down = (feet: number) => TOP + clamp(feet / depthHigh) * (bottom - TOP);
    const unit = ofMarks[0]?.part.tag.unit ?? "";
    const line = svg("path", { class: "ghost", visibility: "hidden" });
    const deep = svg("text", { class: "small", x: right, "text-anchor": "end", visibility: "hidden" });
    into.append(
      svg("path", { class: "lead", d: `M${LEFT} ${TOP}V${bottom}M${LEFT} ${TOP}H${right}` }),
      line,
      deep,
      svg("text", { class: "small", x: (LEFT + right) / 2, y: box.height - 8, "text-anchor": "middle" }, `0–${formatNumber(pressureHigh, 0)} ${unit}, at the wellhead`),
      svg("text", { class: "small", transform: `translate(17 ${bottom - 6}) rotate(-90)` }, `depth 0–${formatNumber(depthHigh, 0)} ${depth.part.tag.unit}`),
    );
    const marks = MARKS.map((mark) => {
      const point = svg("circle", { class: "pnt", r: 5, cy: TOP, visibility: "hidden" });
      const word = svg("text", { class: "small", y: TOP + mark.below, visibility: "hidden" });
      const lead = svg("path", { class: "lead", visibility: "hidden" });
      into.append(lead, point, word);
      return { point, word, lead, below: mark.below, says: mark.word };
    });
    return () => {
      const isDeep = depth.value !== null;
      for (const one of [line, deep]) one.setAttribute("visibility", isDeep ? "visible" : "hidden");
      if (isDeep) {
        const y = down(depth.value as number);
        line.setAttribute("d", `M${LEFT} ${y.toFixed(1)}H${right}`);
        deep.setAttribute("y", (y - 5).toFixed(1));
        deep.textContent = `gas in at ${formatNumber(depth.value as number, 0)} ${depth.part.tag.unit}`;
      }
      ofMarks.forEach((one, index) => {
        const mark = marks[index];
        if (mark === undefined) return;
        for (const part of [mark.point, mark.word, mark.lead]) part.setAttribute("visibility", one.value === null ? "hidden" : "visible");
        if (one.value === null) return;
        const x = across(one.value);
        const isRight = x > (LEFT + right) / 2;
        mark.point.setAttribute("cx", x.toFixed(1));
        oneClass(mark.point, ["old"], one.shown !== null && isPresent(one.shown) ? null : "old");
        mark.lead.setAttribute("d", `M${x.toFixed(1)} ${TOP + 5}v${mark.below - 10}`);
        mark.word.setAttribute("x", x.toFixed(1));
        mark.word.setAttribute("text-anchor", isRight ? "end" : "start");
        mark.word.textContent = `${mark.says} ${one.shown?.text ?? ""}`;
      });
    };
  },
};

function clamp(share: number): number {
  return Math.min(Math.max(share, 0), 1);
}
