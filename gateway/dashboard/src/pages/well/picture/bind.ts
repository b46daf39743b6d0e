// Binds a drawing to a well: each part gets what is known of its tag, in frames, without the framework.

import type { Stop } from "../../../live/frame-loop.ts";
import { live } from "../../../live/live.ts";
import { mostUrgent, shapeOf } from "../../../model/alarms.ts";
import { titleOf } from "../../../model/attention.ts";
import { present } from "../../../model/present.ts";
import type { Alarm } from "../../../rest/types/alarms.ts";
import type { Template, TemplateBinding } from "../../../rest/types/pictures.ts";
import type { TagFacts, WellAnswer } from "../../../rest/types/wells.ts";
import { card } from "./cards.ts";
import type { Shows } from "./drawn.ts";
import { level } from "./level.ts";
import { linked } from "./linked.ts";
import { type Part, partOf } from "./roles.ts";
import { flow, position, show, state } from "./states.ts";
import { valueBox } from "./value-box.ts";

export interface Surroundings {
  well: WellAnswer;
  zone: () => string;
  /** Where a click on a value leads. */
  href: (tag: TagFacts) => string;
  go: (href: string) => void;
  /** Shows the card of a tag at its link on hover, focus and long press. */
  tie: (element: Element, tag: TagFacts) => Stop;
}

export interface Bound {
  /** Alarms of the well that are to be handled, when they changed. */
  alarms(ofWell: readonly Alarm[]): void;
  stop: Stop;
}

/** Brings a drawing to life; answers how to tell it of alarms, and how to stop. */
export function bindPicture(drawing: SVGSVGElement, template: Template, around: Surroundings): Bound {
  const stops: Stop[] = [];
  const parts: { shows: Shows; tagName: string }[] = [];
  for (const binding of template.bind) {
    const element = drawing.querySelector<SVGElement>(`[id="${CSS.escape(binding.el)}"]`);
    if (element === null) continue;
    if (binding.as === "card") {
      stops.push(card(element, binding.card ?? "", template, around.well));
      continue;
    }
    const name = binding.role ?? "";
    const part = partOf(name, template.roles[name], around.well);
    const { shows, label } = shown(element, binding, part, template, around);
    if (part.kind !== "tag") {
      if (binding.as !== "value") shows.show(present(null, null, { connected: true }), null);
      continue;
    }
    parts.push({ shows, tagName: part.own.tagName });
    let tell = (_words: string): void => undefined;
    if (binding.as === "value") {
      const link = linked(element, around.href(part.own), around.go);
      tell = (words) => link.setAttribute("aria-label", words);
      stops.push(around.tie(link, part.own));
    }
    const { wellId } = around.well;
    stops.push(
      live().wells.watchShown(
        wellId,
        part.tag,
        (now) => {
          const known = valueOf(wellId, part.own.tagName);
          shows.show(now, known === null ? null : part.turn(known));
          tell(`${label}: ${now.words}`);
        },
        part.turn,
      ),
    );
  }
  return {
    alarms(ofWell) {
      for (const { shows, tagName } of parts) {
        const first = mostUrgent(ofWell.filter((one) => one.tagName === tagName)) ?? standing(ofWell, tagName);
        shows.alarm?.(first === null ? null : shapeOf(first));
      }
    },
    stop() {
      for (const stop of stops) stop();
    },
  };
}

function shown(
  element: SVGElement,
  binding: TemplateBinding,
  part: Part,
  template: Template,
  around: Surroundings,
): { shows: Shows; label: string } {
  const role = template.roles[binding.role ?? ""];
  const label = part.kind === "tag" ? titleOf(part.own) : (role?.label ?? "");
  switch (binding.as) {
    case "value": {
      const box = valueBox(element, role?.label ?? label);
      if (part.kind === "unmapped") box.say("not mapped", part.why);
      if (part.kind === "refused") box.say(part.own.unit === "" ? "no unit" : `${part.own.unit}?`, part.why);
      return { shows: box, label };
    }
    case "level":
      return { shows: part.kind === "tag" ? level(element, part.tag, binding.from ?? "bottom") : NOTHING, label };
    case "state":
      return { shows: state(element, binding, { sinceMs: () => (part.kind === "tag" ? heardMs(around.well.wellId, part.own.tagName) : Number.NaN), zone: around.zone }), label };
    case "flow":
      return { shows: flow(element, binding.above ?? 0), label };
    case "position":
      return { shows: position(element), label };
    default:
      return { shows: show(element, binding.states ?? []), label };
  }
}

/** The last number that is known of a tag, silence or not; null: none. */
function valueOf(wellId: string, tagName: string): number | null {
  const cell = live().wells.feed(wellId).cells.get(tagName);
  return cell?.value ?? cell?.lastKnown?.value ?? null;
}

/** When the last value of a tag was read [epoch ms]; NaN: never. */
function heardMs(wellId: string, tagName: string): number {
  const cell = live().wells.feed(wellId).cells.get(tagName);
  return cell?.lastKnown?.tMs ?? cell?.tMs ?? Number.NaN;
}

function standing(alarms: readonly Alarm[], tagName: string): Alarm | null {
  const found = alarms.filter((one) => one.tagName === tagName);
  return found.sort((a, b) => a.priority - b.priority)[0] ?? null;
}

const NOTHING: Shows = { show: () => undefined };
