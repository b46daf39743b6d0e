// What a bound part of a picture needs, and how SVG elements are made.

import type { Presented } from "../../../model/present.ts";
import type { AlarmShapeProps } from "../../../parts/AlarmShape.tsx";

const SVG = "http://www.w3.org/2000/svg";

/** A part of the picture that shows a tag. */
export interface Shows {
  /** What is known now: called in a frame, whenever it changed. */
  show(shown: Presented, value: number | null): void;
  /** The most urgent alarm of its tag; null: none. */
  alarm?(shape: Pick<AlarmShapeProps, "priority" | "unacknowledged" | "returned"> | null): void;
}

/** Whether what is shown is the present state, or only the last known one or none. */
export function isPresent(shown: Presented): boolean {
  return shown.mark === "good" || shown.mark === "uncertain";
}

export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Record<string, string | number>,
  text?: string,
): SVGElementTagNameMap[K] {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  if (text !== undefined) made.textContent = text;
  return made;
}

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Of a rect as its attributes say. */
export function boxOf(rect: Element): Box {
  const number = (name: string) => Number(rect.getAttribute(name) ?? 0) || 0;
  return { x: number("x"), y: number("y"), width: number("width"), height: number("height") };
}

/** Sets exactly one of several classes, or none. */
export function oneClass(element: Element, names: readonly string[], chosen: string | null): void {
  for (const name of names) element.classList.toggle(name, name === chosen);
}
