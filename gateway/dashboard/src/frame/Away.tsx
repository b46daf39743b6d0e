import { useSignal } from "@preact/signals";
import { OfflineBar } from "./OfflineBar.tsx";
import { configNextTryMs, configProblem, tryConfigNow } from "./gateway.ts";
import { nowMs } from "./now.ts";
import { zone } from "./zone.ts";

/** Over a page that was opened without the gateway: nothing is known, and nothing is shown as if it were. */
export function Away() {
  const openedMs = useSignal(nowMs.peek());
  if (configProblem.value === null) return null;
  return (
    <OfflineBar
      neverReached
      sinceMs={openedMs.value}
      nextTryMs={configNextTryMs.value}
      now={nowMs.value}
      zone={zone.value}
      onTry={tryConfigNow}
    />
  );
}
