// Which tag plays a role in a picture, in the unit that the picture wants. Pure.

import { titleOf } from "../../../model/attention.ts";
import { convert, tagIn } from "../../../model/units.ts";
import type { TemplateRole } from "../../../rest/types/pictures.ts";
import type { TagFacts, WellAnswer } from "../../../rest/types/wells.ts";

/** A role with its tag, or why there is none. */
export type Part =
  | {
      kind: "tag";
      /** As the well has it. */
      own: TagFacts;
      /** As the picture shows it: in its unit, with its decimals and words for states. */
      tag: TagFacts;
      /** From the tag's unit to the picture's. */
      turn: (value: number) => number;
    }
  | { kind: "unmapped"; why: string }
  | { kind: "refused"; own: TagFacts; why: string };

/** The tag of a role: mapped by the well, else of the same name. */
export function partOf(
  name: string,
  role: TemplateRole | undefined,
  well: Pick<WellAnswer, "roles" | "tags">,
): Part {
  const wanted = well.roles[name] ?? name;
  const own = well.tags.find((one) => one.tagName === wanted);
  if (own === undefined) {
    return { kind: "unmapped", why: `no tag plays ${name}; name one so, or map it in roles of the well` };
  }
  const unit = role?.unit ?? "";
  const isOfWords = Object.keys(own.stateNames).length > 0 || role?.states !== undefined;
  if (unit === "" || isOfWords) return { kind: "tag", own, tag: dressed(own, role, false), turn: (value) => value };
  const turned = tagIn(own, unit);
  if (turned === null) {
    const is = own.unit === "" ? "has no unit" : `is in ${own.unit}`;
    return { kind: "refused", own, why: `${titleOf(own)} ${is}; the picture shows ${unit} here` };
  }
  const isSame = convert(1, own.unit, unit) === 1 && convert(0, own.unit, unit) === 0;
  return {
    kind: "tag",
    own,
    tag: dressed(turned, role, !isSame),
    turn: isSame ? (value) => value : (value) => convert(value, own.unit, unit) ?? value,
  };
}

/** Decimals are the tag's own, as long as they are of its own unit; words for states, too. */
function dressed(tag: TagFacts, role: TemplateRole | undefined, isTurned: boolean): TagFacts {
  const digits = isTurned ? (role?.digits ?? null) : (tag.digits ?? role?.digits ?? null);
  const isNamed = Object.keys(tag.stateNames).length > 0;
  return { ...tag, digits, stateNames: isNamed ? tag.stateNames : (role?.states ?? {}) };
}
