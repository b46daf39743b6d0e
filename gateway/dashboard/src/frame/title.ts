import { effect, signal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const page = signal("");
/** Shown before it, so that a window in the background tells. */
export const unacknowledgedInTitle = signal(0);

/** "Alarms" → "(7) Alarms · Pumpjack" */
export function useTitle(title: string): void {
  useEffect(() => {
    page.value = title;
  }, [title]);
}

/** Writes it into the document; answers how to stop. */
export function writeTitle(): () => void {
  return effect(() => {
    const number = unacknowledgedInTitle.value;
    const parts = [page.value, "Pumpjack"].filter((one) => one !== "");
    document.title = `${number > 0 ? `(${number}) ` : ""}${parts.join(" · ")}`;
  });
}
