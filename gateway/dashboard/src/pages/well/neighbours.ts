// The wells before and after this one, in the order in which they need attention. Pure.

export interface Neighbours {
  /** 1 is the first; 0: it is not in the list. */
  place: number;
  total: number;
  previous: string | null;
  next: string | null;
}

/** The list goes round. While somebody walks it, it stands still, so that each well comes once. */
export function neighboursOf(wellId: string, order: readonly string[]): Neighbours {
  const at = order.indexOf(wellId);
  const total = order.length;
  if (at < 0) return { place: 0, total, previous: order.at(-1) ?? null, next: order[0] ?? null };
  if (total < 2) return { place: at + 1, total, previous: null, next: null };
  return {
    place: at + 1,
    total,
    previous: order[(at - 1 + total) % total] ?? null,
    next: order[(at + 1) % total] ?? null,
  };
}

export interface Walk {
  order: readonly string[];
  /** When it was used last [ms]. */
  usedMs: number;
}

/** The order of a walk stands for so long after the last step. */
export const WALK_MS = 120_000;

/** The order to walk by: that of the walk that is on, without wells that are gone, else the present one. */
export function walkOrder(walk: Walk | null, wanted: readonly string[], nowMs: number): readonly string[] {
  if (walk === null || nowMs - walk.usedMs > WALK_MS) return wanted;
  const there = new Set(wanted);
  const known = new Set(walk.order);
  return [...walk.order.filter((one) => there.has(one)), ...wanted.filter((one) => !known.has(one))];
}
