// The gateway's clock, as well as it is known here: ages must not depend on this device's clock.

import { signal } from "@preact/signals";

/** Gateway's time minus this device's [ms]. */
export const skewMs = signal(0);

/** The gateway told its time. */
export function hearServerTime(iso: string, localMs: number = Date.now()): void {
  const told = Date.parse(iso);
  if (!Number.isNaN(told)) skewMs.value = told - localMs;
}

/** Now, by the gateway's clock [epoch ms]. */
export function serverNow(): number {
  return Date.now() + skewMs.peek();
}
