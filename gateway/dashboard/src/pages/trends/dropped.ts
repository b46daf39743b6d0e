// What was dropped on a trend, as pens or as a sentence why not. Pure.

import { type Pen, PENS_MAX, penText, trendView } from "../../model/links.ts";
import { counted } from "../../model/numbers.ts";

export interface Dropped {
  /** To be added. */
  pens: Pen[];
  /** What was not done, and what to do; null: all of it was. */
  said: string | null;
}

const WHAT_TO_DO = "Drag a link of a value, a sparkline or a trend here.";

/**
 * uriList: text/uri-list of the drop, "" where it had none. origin: of this page; only its own trends
 * have pens. drawn: the pens that are there already.
 */
export function pensOfDrop(uriList: string, origin: string, drawn: readonly Pen[]): Dropped {
  const links = uriList.split(/\r?\n/).filter((line) => line.trim() !== "" && !line.startsWith("#"));
  if (links.length === 0) return refused("What was dropped is not a link.");
  const wanted = new Map<string, Pen>();
  for (const link of links) {
    const url = urlOf(link);
    if (url === null || url.origin !== origin) return refused("That link does not lead to these screens.");
    const pens = url.pathname === "/trends" ? trendView(url.search, 0, "UTC").pens : [];
    if (pens.length === 0) return refused("That link has no value to draw.");
    for (const pen of pens) wanted.set(penText(pen), pen);
  }
  for (const pen of drawn) wanted.delete(penText(pen));
  if (wanted.size === 0) return { pens: [], said: "It is drawn already." };
  const pens = [...wanted.values()].slice(0, Math.max(0, PENS_MAX - drawn.length));
  const left = wanted.size - pens.length;
  return { pens, said: left === 0 ? null : `${counted(left, "pen")} found no room: ${PENS_MAX} are drawn at most. Remove one first.` };
}

function refused(why: string): Dropped {
  return { pens: [], said: `${why} ${WHAT_TO_DO}` };
}

function urlOf(text: string): URL | null {
  try {
    return new URL(text.trim());
  } catch {
    return null;
  }
}
