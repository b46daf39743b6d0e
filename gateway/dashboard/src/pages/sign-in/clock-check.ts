import { signal } from "@preact/signals";

/** How the gateway's clock differs from this device's, in words; "" until it is known. */
export const clockWords = signal("");

/** HTTP tells whole seconds only, so less than two are called none. */
const AGREES_S = 2;

export async function checkClock(): Promise<void> {
  try {
    const before = Date.now();
    const answer = await fetch("/screens/config.json", { method: "GET", cache: "no-store" });
    const told = Date.parse(answer.headers.get("Date") ?? "");
    if (Number.isNaN(told)) return;
    const off = Math.abs(Math.round((told + 500 - (before + Date.now()) / 2) / 1000));
    clockWords.value =
      off < AGREES_S
        ? "its clock agrees with this device's"
        : `its clock differs from this device's by ${off} s`;
  } catch {
    // the page says by itself that the gateway does not answer
  }
}
