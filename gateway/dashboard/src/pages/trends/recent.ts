// Trends that were looked at on this screen, a tenant's own.

import type { Pen } from "../../model/links.ts";
import { samePens } from "./frame-of.ts";

const MOST = 8;

export function recentTrends(tenant: string, store: Pick<Storage, "getItem"> = localStorage): Pen[][] {
  try {
    const kept: unknown = JSON.parse(store.getItem(keyOf(tenant)) ?? "[]");
    return Array.isArray(kept) ? kept.filter(arePens).slice(0, MOST) : [];
  } catch {
    return [];
  }
}

/** The newest first, each once. */
export function keepRecent(
  tenant: string,
  pens: readonly Pen[],
  store: Pick<Storage, "getItem" | "setItem"> = localStorage,
): void {
  if (pens.length === 0 || tenant === "") return;
  const others = recentTrends(tenant, store).filter((one) => !samePens(one, pens));
  try {
    store.setItem(keyOf(tenant), JSON.stringify([pens, ...others].slice(0, MOST)));
  } catch {
    // a browser that keeps nothing
  }
}

function keyOf(tenant: string): string {
  return `pumpjack.trends.${tenant}`;
}

function arePens(value: unknown): value is Pen[] {
  const isPen = (one: unknown) =>
    typeof one === "object" &&
    one !== null &&
    typeof (one as Pen).wellId === "string" &&
    typeof (one as Pen).tagName === "string";
  return Array.isArray(value) && value.length > 0 && value.every(isPen);
}
