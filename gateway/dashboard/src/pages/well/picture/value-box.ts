// A value in its frame: text, outline by quality, mark, alarm. A template cannot switch these off.

import type { Presented } from "../../../model/present.ts";
import { alarmBody } from "./alarm-shape.ts";
import { type Shows, boxOf, oneClass, svg } from "./drawn.ts";
import { CHAR_PX, fitted } from "./fitted.ts";

const LOOKS = ["unc", "stale", "bad", "none", "unm"];
const ALARMS = ["a1", "a2", "a3", "a4"];
const CLOCK = "M11.2 6a5.2 5.2 0 1 1-10.4 0 5.2 5.2 0 0 1 10.4 0M6 3V6L8.2 7.6";
const PAD_PX = 8;

/** The g of a value: its first rect is the frame, .vl the label, .vv the value. Missing ones are made. */
export function valueBox(group: SVGElement, label: string): Shows & { say(what: string, why: string): void } {
  const frame = group.querySelector("rect") ?? framed(group);
  const { x, y, width, height } = boxOf(frame);
  frame.classList.add("vb");
  group.querySelector(".vv")?.remove();
  if (group.querySelector("text") === null) {
    group.append(svg("text", { class: "vl", x: x + PAD_PX, y: y + 14 }, label));
  }
  const inner = svg("rect", { class: "vbi", x: x + 4, y: y + 4, width: Math.max(width - 8, 0), height: Math.max(height - 8, 0), rx: 2 });
  frame.after(inner);
  const value = svg("text", { class: "vv", x: x + PAD_PX, y: y + height - 7 });
  const number = document.createTextNode("–");
  const struck = svg("tspan", { class: "vs" });
  const unit = svg("tspan", { class: "vu", dx: 3 });
  value.append(number, struck, unit);
  const mark = svg("g", { class: "qm" });
  group.append(value, mark);
  let alarm: Element | null = null;
  let look: string | null = "";
  const room = width - 2 * PAD_PX;

  function write(text: string, ofUnit: string, old: string): void {
    number.data = text;
    unit.textContent = ofUnit;
    struck.textContent = old;
    const size = fitted([text, ofUnit], room);
    if (size === null) value.removeAttribute("textLength");
    else {
      value.setAttribute("textLength", String(size));
      value.setAttribute("lengthAdjust", "spacingAndGlyphs");
    }
  }

  function dress(next: string | null): void {
    if (next === look) return;
    look = next;
    oneClass(frame, LOOKS, next);
    value.setAttribute("class", next === null ? "vv" : next === "bad" || next === "none" || next === "unm" ? "qt" : `vv ${next}`);
    inner.classList.toggle("on", next === "bad");
    mark.replaceChildren();
    if (next === "stale") mark.append(svg("path", { class: "ln", d: CLOCK, transform: `translate(${x + width - 18} ${y + 4})` }));
    if (next === "unc") mark.append(svg("text", { class: "qt", x: x + width - PAD_PX, y: y + 14, "text-anchor": "end" }, "?"));
  }

  return {
    show(shown: Presented) {
      switch (shown.mark) {
        case "bad": {
          const old = shown.struck && (shown.text.length + 6) * CHAR_PX * 0.75 < room ? shown.text : "";
          dress("bad");
          write(old === "" ? "✕ BAD" : "✕ BAD ", "", old);
          return;
        }
        case "none":
          dress("none");
          write("NO DATA", "", "");
          return;
        case "unmapped":
          dress("unm");
          write("not mapped", "", "");
          return;
        default:
          dress(shown.mark === "uncertain" ? "unc" : shown.mark === "stale" ? "stale" : null);
          write(shown.text, shown.unit, "");
      }
    },
    say(what, why) {
      dress("unm");
      write(what, "", "");
      group.append(svg("title", {}, why));
    },
    alarm(shape) {
      oneClass(frame, ALARMS, shape === null ? null : `a${shape.priority}`);
      alarm?.remove();
      alarm = shape === null ? null : alarmBody(shape, x + width - 12, y - 9);
      if (alarm !== null) group.append(alarm);
    },
  };
}

/** A frame for a g that has none, around where it would stand. */
function framed(group: SVGElement): SVGRectElement {
  const frame = svg("rect", { class: "vb", width: 98, height: 39, rx: 4 });
  group.prepend(frame);
  return frame;
}
