// Keys of the page and the frame: in one place, so that "?" can list them all.

import { signal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { letterKeys } from "./preferences.ts";

export interface KeyBinding {
  /** As KeyboardEvent.key has it; "Shift+ArrowUp" with Shift. Letters are meant without case. */
  key: string;
  /** "Acknowledge the most urgent alarm" */
  says: string;
  /** Left out where the element that has the focus handles it: then it is only listed. */
  run?: (event: KeyboardEvent) => void;
}

/** The group of the frame: whatever a page binds wins over it. */
export const EVERYWHERE = "Everywhere";

interface Group {
  title: string;
  bindings: readonly KeyBinding[];
}

/** What is bound now. */
export const groups = signal<readonly Group[]>([]);

/** Binds keys while the component is there. A page wins over the frame, then the later one. */
export function useKeys(title: string, bindings: readonly KeyBinding[]): void {
  const latest = useRef(bindings);
  latest.current = bindings;
  const listed = bindings.map((one) => `${one.key} ${one.says}`).join("\n");
  useEffect(() => {
    const group: Group = {
      title,
      get bindings() {
        return latest.current;
      },
    };
    groups.value = [...groups.peek(), group];
    return () => {
      groups.value = groups.peek().filter((one) => one !== group);
    };
  }, [title, listed]);
}

/** Listens; answers how to stop. */
export function listenToKeys(
  target: Pick<Window, "addEventListener" | "removeEventListener"> = window,
): () => void {
  const heard = (event: KeyboardEvent) => {
    const binding = bindingFor(event, groups.peek(), letterKeys.peek());
    if (binding?.run === undefined) return;
    event.preventDefault();
    binding.run(event);
  };
  target.addEventListener("keydown", heard);
  return () => target.removeEventListener("keydown", heard);
}

/** What a key press means: null in fields, dialogs, with Ctrl, Alt or Meta, or where nothing is bound. */
export function bindingFor(
  event: Pick<
    KeyboardEvent,
    "key" | "ctrlKey" | "altKey" | "metaKey" | "shiftKey" | "defaultPrevented" | "target" | "repeat"
  >,
  bound: readonly Group[],
  letters: boolean,
): KeyBinding | null {
  if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey) return null;
  if (isTyping(event.target) || isInDialog(event.target)) return null;
  const single = [...event.key].length === 1;
  if (single && !letters) return null;
  if (single && event.repeat) return null;
  const latestFirst = [...bound].reverse();
  const ofPages = latestFirst.filter((group) => group.title !== EVERYWHERE);
  for (const group of [...ofPages, ...latestFirst.filter((one) => one.title === EVERYWHERE)]) {
    for (const binding of group.bindings) {
      if (binding.run !== undefined && isKey(event, binding.key)) return binding;
    }
  }
  return null;
}

/** As people see it on a keyboard: "↑", "Shift ↑", "A". */
export function keyWords(key: string): string[] {
  return key
    .split(/(?<=.)\+(?=.)/)
    .map((part) => NAMES[part] ?? (part.length === 1 ? part.toUpperCase() : part));
}

function isKey(event: Pick<KeyboardEvent, "key" | "shiftKey">, wanted: string): boolean {
  const shifted = wanted.startsWith("Shift+");
  const name = shifted ? wanted.slice("Shift+".length) : wanted;
  if (shifted && !event.shiftKey) return false;
  // "?" and "/" need Shift on some keyboards, so only named keys and letters tell it apart
  const strict = name.length > 1 || /^[a-z]$/i.test(name);
  if (!shifted && strict && event.shiftKey) return false;
  return event.key.toLowerCase() === name.toLowerCase();
}

function isTyping(target: EventTarget | null): boolean {
  const element = target as Partial<HTMLElement> | null;
  if (element?.isContentEditable) return true;
  const tag = element?.tagName;
  if (tag === "TEXTAREA" || tag === "SELECT") return true;
  return (
    tag === "INPUT" && !["checkbox", "radio", "button"].includes((target as HTMLInputElement).type)
  );
}

function isInDialog(target: EventTarget | null): boolean {
  const element = target as Partial<HTMLElement> | null;
  return element?.closest?.("dialog[open]") != null;
}

const NAMES: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  Escape: "Esc",
  " ": "Space",
};
