// Where a pump works: what it lifts against how much. Pump curves are of no tag, so none is drawn.

import { formatNumber } from "../../../model/numbers.ts";
import type { CardDrawing, Known } from "./cards.ts";
import { isPresent, oneClass, svg } from "./drawn.ts";

const LEFT = 26;
const BOTTOM = 44;
const RIGHT = 10;

/** Liquid rate across, rise of pressure over the pump upwards; the normal bands shaded. */
export const operatingPoint: CardDrawing = {
  roles: ["oil_rate", "water_rate", "pump_intake_pressure", "pump_discharge_pressure"],
  needed: ["oil_rate", "water_rate", "pump_intake_pressure", "pump_discharge_pressure"],
  begin(into, box, known) {
    const right = box.width - RIGHT;
    const bottom = box.height - BOTTOM;
    const [oil, water, intake, discharge] = this.roles.map((role) => known(role)) as [Known, Known, Known, Known];
    const flowHigh = (oil.part.tag.high ?? 0) + (water.part.tag.high ?? 0) || 1000;
    const riseHigh = discharge.part.tag.high ?? 4000;
    const across = (flow: number) => LEFT + clamp(flow / flowHigh) * (right - LEFT);
    const upwards = (rise: number) => bottom - clamp(rise / riseHigh) * (bottom - 12);
    const unit = discharge.part.tag.unit;
    const low = (oil.part.tag.normalLow ?? Number.NaN) + (water.part.tag.normalLow ?? Number.NaN);
    const high = (oil.part.tag.normalHigh ?? Number.NaN) + (water.part.tag.normalHigh ?? Number.NaN);
    if (Number.isFinite(low) && Number.isFinite(high) && high > low) {
      into.append(
        svg("rect", { class: "band", x: across(low), y: 6, width: across(high) - across(low), height: bottom - 6 }),
        svg("text", { class: "small", x: (across(low) + across(high)) / 2, y: 18, "text-anchor": "middle" }, "normal"),
      );
    }
    const point = svg("circle", { class: "pnt", r: 6, visibility: "hidden" });
    const lines = svg("path", { class: "ghost", visibility: "hidden" });
    const says = svg("text", { class: "small", x: LEFT, y: box.height - 8 }, "");
    into.append(
      svg("path", { class: "lead", d: `M${LEFT} 6V${bottom}H${right}` }),
      lines,
      point,
      svg("text", { class: "small", x: (LEFT + right) / 2, y: bottom + 16, "text-anchor": "middle" }, `flow 0–${formatNumber(flowHigh, 0)} bbl/d`),
      svg("text", { class: "small", transform: `translate(17 ${bottom - 6}) rotate(-90)` }, `rise 0–${formatNumber(riseHigh, 0)} ${unit}`),
      says,
    );
    return () => {
      const all = [oil, water, intake, discharge];
      if (all.some((one) => one.value === null)) {
        for (const one of [point, lines]) one.setAttribute("visibility", "hidden");
        says.textContent = "no value";
        return;
      }
      const flow = (oil.value as number) + (water.value as number);
      const rise = (discharge.value as number) - (intake.value as number);
      const [x, y] = [across(flow), upwards(rise)];
      point.setAttribute("cx", x.toFixed(1));
      point.setAttribute("cy", y.toFixed(1));
      lines.setAttribute("d", `M${LEFT} ${y.toFixed(1)}H${x.toFixed(1)}V${bottom}`);
      for (const one of [point, lines]) one.setAttribute("visibility", "visible");
      const isNow = all.every((one) => one.shown !== null && isPresent(one.shown));
      oneClass(point, ["old"], isNow ? null : "old");
      says.textContent = `${formatNumber(flow, 0)} bbl/d, ${formatNumber(rise, 0)} ${unit}${isNow ? "" : ", old"}`;
    };
  },
};

function clamp(share: number): number {
  return Math.min(Math.max(share, 0), 1);
}
