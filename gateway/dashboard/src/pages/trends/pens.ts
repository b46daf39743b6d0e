// Pens and lanes: which tag is drawn where, and how it is told from the others. Pure.

import { titleOf } from "../../model/attention.ts";
import { type Pen, penText } from "../../model/links.ts";
import type { TagFacts } from "../../rest/types/wells.ts";

/** How a pen looks: hue and dash together are its own, and a label says it in words. */
export interface PenLook {
  /** 1 to 4, the token --pen1 to --pen4. */
  hue: 1 | 2 | 3 | 4;
  /** Lengths of the dashes [px]; empty: a full line. */
  dash: readonly number[];
}

/** A pen with what is known of its tag. */
export interface KnownPen extends Pen {
  key: string;
  look: PenLook;
  /** null: not known yet, or no such tag. */
  tag: TagFacts | null;
  wellTitle: string;
  title: string;
}

/** Pens of one unit, on one scale. */
export interface LaneOf {
  key: string;
  unit: string;
  pens: KnownPen[];
}

const DASHES: readonly (readonly number[])[] = [[], [9, 4], [2, 3], [12, 3, 2, 3]];

/** The first four differ in hue and dash; the next four pair them anew. */
export function lookOf(index: number): PenLook {
  const hue = ((index % 4) + 1) as PenLook["hue"];
  return { hue, dash: DASHES[(index + Math.floor(index / 4)) % 4] ?? [] };
}

/** The pens of a view; facts: of a well, null where it was not told. */
export function knownPens(
  pens: readonly Pen[],
  facts: (wellId: string) => { title: string; tags: readonly TagFacts[] } | null,
): KnownPen[] {
  return pens.map((pen, index) => {
    const well = facts(pen.wellId);
    const tag = well?.tags.find((one) => one.tagName === pen.tagName) ?? null;
    return {
      ...pen,
      key: penText(pen),
      look: lookOf(index),
      tag,
      wellTitle: well?.title || pen.wellId,
      title: titleOf(tag ?? pen),
    };
  });
}

/** One lane a unit, in the order of the pens; a tag of states has one of its own, an unknown one none. */
export function lanesOf(pens: readonly KnownPen[]): LaneOf[] {
  const lanes = new Map<string, LaneOf>();
  for (const pen of pens) {
    if (pen.tag === null) continue;
    const { unit } = pen.tag;
    const key = hasStates(pen.tag) ? `states ${pen.key}` : `unit ${unit}`;
    const lane = lanes.get(key);
    if (lane === undefined) lanes.set(key, { key, unit, pens: [pen] });
    else lane.pens.push(pen);
  }
  return [...lanes.values()];
}

/** Its values are words: they hold until the next, and nothing is between them. */
export function hasStates(tag: TagFacts | null): boolean {
  return tag !== null && Object.keys(tag.stateNames).length > 0;
}

/** A value that holds until the next one is told: a step, never a slope. */
export function isStepped(tag: TagFacts | null): boolean {
  return tag !== null && (hasStates(tag) || tag.writable || tag.dataType === "bool");
}

/** Beside the line: the tag, and of the well's name what tells it from the other wells' here. */
export function labelOf(pen: KnownPen, all: readonly KnownPen[]): string {
  if (all.every((one) => one.wellId === pen.wellId)) return pen.title;
  const names = all.map((one) => one.wellTitle.split(" "));
  let same = 0;
  while (names.every((words) => words.length > same + 1 && words[same] === names[0]?.[same])) same += 1;
  return `${pen.wellTitle.split(" ").slice(same).join(" ")} ${pen.title}`;
}
