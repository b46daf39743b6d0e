import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { live } from "../live/live.ts";
import { type Presented, present } from "../model/present.ts";
import type { TagFacts } from "../rest/types/wells.ts";

/** What is shown of a tag now. For a few values on a page; long lists write to the document themselves. */
export function useShown(wellId: string, tag: TagFacts): Presented {
  const shown = useSignal<Presented | null>(null);
  useEffect(
    () => live().wells.watchShown(wellId, tag, (now) => (shown.value = now)),
    [wellId, tag],
  );
  return shown.value ?? present(null, tag, { connected: true });
}
