// The zone that times are shown in: that of the well on the screen, else of all wells where they agree.

import { computed, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { isZone, screenZone } from "../model/times.ts";

const ofPage = signal<string | null>(null);
/** Zones of the tenant's wells. */
export const wellZones = signal<readonly string[]>([]);

/** The zone of the frame's clock, and of all times that belong to no one well. */
export const zone = computed(() => ofPage.value ?? agreed(wellZones.value) ?? screenZone());

/** The page is about one well: its zone is the frame's as long as the page is there. */
export function usePageZone(wellZone: string | null | undefined): void {
  useEffect(() => {
    ofPage.value = wellZone && isZone(wellZone) ? wellZone : null;
    return () => {
      ofPage.value = null;
    };
  }, [wellZone]);
}

/** The one zone of them all; null where they differ or tell none. */
export function agreed(zones: readonly string[]): string | null {
  const known = new Set(zones.filter(isZone));
  const [first] = known;
  return known.size === 1 && first !== undefined ? first : null;
}
