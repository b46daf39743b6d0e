import { signal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { acknowledgeOne } from "../../frame/acknowledge.ts";
import { client, whyNot } from "../../frame/gateway.ts";
import { announce } from "../../frame/announce.ts";
import { useKeys } from "../../frame/keys.ts";
import { TO_ACKNOWLEDGE } from "../../model/alarms.ts";
import { trendLink, wellLink } from "../../model/links.ts";
import { penOf } from "./WellRow.tsx";
import { nameOf } from "./judged.ts";
import type { Item } from "./listed.ts";

export interface ListKeysProps {
  items: readonly Item[];
  /** The chosen row; -1: none. */
  at: number;
  pageRows: number;
  hasFocus: boolean;
  onGo: (index: number) => void;
}

/** What the last key could not do; it stands in the tools of the list. */
export const told = signal<string | null>(null);

/** Keys of the list. A acknowledges the chosen well's alarm while the list has the focus, else the banner's. */
export function ListKeys({ items, at, pageRows, hasFocus, onGo }: ListKeysProps) {
  const { route } = useLocation();
  const chosen = items[at];
  const go = (from: number, step: 1 | -1) => {
    let to = Math.min(Math.max(from, 0), items.length - 1);
    while (items[to]?.kind === "route") to += to <= 0 ? 1 : to >= items.length - 1 ? -1 : step;
    onGo(to);
  };
  const judged = hasFocus && chosen?.kind === "well" ? chosen.judged : null;
  const onRow = (run: (judged: NonNullable<typeof chosen> & { kind: "well" }) => void) =>
    chosen?.kind === "well" ? { run: () => run(chosen) } : {};
  useKeys("Overview", [
    { key: "ArrowDown", says: "Next well", run: () => go(at + 1, 1) },
    { key: "ArrowUp", says: "Well before", run: () => go(at < 0 ? 0 : at - 1, -1) },
    { key: "PageDown", says: "A page further", ...(hasFocus && { run: () => go(at + pageRows, 1) }) },
    { key: "PageUp", says: "A page back", ...(hasFocus && { run: () => go(at - pageRows, -1) }) },
    { key: "Home", says: "First well", ...(hasFocus && { run: () => go(0, 1) }) },
    { key: "End", says: "Last well", ...(hasFocus && { run: () => go(items.length - 1, -1) }) },
    {
      key: "Enter",
      says: "Open the well",
      ...(hasFocus && onRow((item) => route(wellLink(item.judged.wellId)))),
    },
    {
      key: "t",
      says: "Trend of what put the well there",
      ...onRow(({ judged: { wellId, ...rest } }) => {
        const tagName = penOf({ wellId, ...rest });
        if (tagName !== null) route(trendLink({ pens: [{ wellId, tagName }] }));
      }),
    },
    {
      key: "a",
      says: "Acknowledge the alarm of the chosen well",
      ...(judged !== null && { run: () => void acknowledge(judged) }),
    },
  ]);
  return null;
}

/** Its most urgent alarm; what cannot be done is told. */
async function acknowledge({ attention, well }: Extract<Item, { kind: "well" }>["judged"]): Promise<void> {
  const { alarm } = attention;
  if (alarm === null || !TO_ACKNOWLEDGE.has(alarm.state)) {
    say(`${nameOf(well)} has nothing to acknowledge.`);
    return;
  }
  const off = whyNot("acknowledge");
  if (off !== null) {
    say(off);
    return;
  }
  const why = await acknowledgeOne(client, alarm);
  if (why !== null) say(why);
}

function say(text: string): void {
  told.value = text;
  announce(text);
}
