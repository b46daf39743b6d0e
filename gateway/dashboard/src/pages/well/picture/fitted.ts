// Whether a text fits its box, by the width of its characters: asking the document would cost a layout.

/** Of digits and capitals at 16 px, bold. */
export const CHAR_PX = 9.9;
const NARROW_PX = 4.6;
const UNIT_PX = 6.6;

/** About how wide a value with its unit is [px]. */
export function widthOf(value: string, unit: string): number {
  let wide = unit === "" ? 0 : 3 + unit.length * UNIT_PX;
  for (const character of value) wide += ".,:' ".includes(character) ? NARROW_PX : CHAR_PX;
  return wide;
}

/** The width that it has to be pressed into; null where it fits. */
export function fitted([value, unit]: readonly [string, string], room: number): number | null {
  return widthOf(value, unit) > room ? room : null;
}
