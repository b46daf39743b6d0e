import { useComputed } from "@preact/signals";
import { useRef } from "preact/hooks";
import { live } from "../../live/live.ts";
import { SET_ASIDE, TO_HANDLE, sortAlarms } from "../../model/alarms.ts";
import type { Alarm } from "../../rest/types/alarms.ts";

export interface WellAlarms {
  /** To be handled, the most urgent first; those of its connections too. The same list until one changes. */
  handled: readonly Alarm[];
  /** Shelved, suppressed or out of service. */
  setAside: number;
}

/** The alarms of a well and of what it hangs on. */
export function useWellAlarms(wellId: string, connectionIds: readonly string[]): WellAlarms {
  const before = useRef<WellAlarms>({ handled: [], setAside: 0 });
  const key = connectionIds.join("\n");
  const found = useComputed(() => {
    const ofWell = live().alarms.all.value.filter(
      (one) => one.wellId === wellId || (one.wellId === "" && key.split("\n").includes(one.connectionId)),
    );
    const handled = sortAlarms(ofWell.filter((one) => TO_HANDLE.has(one.state)));
    const setAside = ofWell.filter((one) => SET_ASIDE.has(one.state)).length;
    const known = before.current;
    const isSame =
      known.setAside === setAside &&
      known.handled.length === handled.length &&
      known.handled.every((one, at) => one === handled[at]);
    if (!isSame) before.current = { handled, setAside };
    return before.current;
  });
  return found.value;
}
