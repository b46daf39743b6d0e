// What a person chose for this screen; kept in this browser.

import { type Signal, effect, signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

export const theme: Signal<Theme> = kept("theme", "system", (text) =>
  text === "light" || text === "dark" ? text : "system",
);

/** Keys of a single letter; some people's tools press them by mistake (WCAG 2.1.4). */
export const letterKeys: Signal<boolean> = kept("letterKeys", true, (text) => text !== "false");

/** Follows the system, or is forced by data-theme on <html>. */
export function followTheme(root: HTMLElement = document.documentElement): () => void {
  return effect(() => {
    if (theme.value === "system") delete root.dataset["theme"];
    else root.dataset["theme"] = theme.value;
  });
}

function kept<V extends string | boolean>(
  name: string,
  first: V,
  read: (text: string) => V,
): Signal<V> {
  const key = `pumpjack.${name}`;
  let value = first;
  try {
    const text = localStorage.getItem(key);
    if (text !== null) value = read(text);
  } catch {
    // a browser that keeps nothing: chosen anew each time
  }
  const held = signal(value);
  held.subscribe((now) => {
    try {
      localStorage.setItem(key, String(now));
    } catch {
      // as above
    }
  });
  return held;
}
