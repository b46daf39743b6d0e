import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

const PHONE = "(max-width: 640px)";

/** Whether the screen is a phone's; follows a window that is made narrower. */
export function usePhone(): boolean {
  const is = useSignal(matchMedia(PHONE).matches);
  useEffect(() => {
    const query = matchMedia(PHONE);
    const changed = () => (is.value = query.matches);
    changed(); // since it was drawn
    query.addEventListener("change", changed);
    return () => query.removeEventListener("change", changed);
  }, []);
  return is.value;
}
