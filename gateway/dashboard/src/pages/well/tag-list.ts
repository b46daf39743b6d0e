// Which tags the table has, and in which order. Pure.

import { compareText } from "../../model/alarms.ts";
import { titleOf } from "../../model/attention.ts";
import type { TagFacts } from "../../rest/types/wells.ts";

export interface TagOrder {
  by: "title" | "address";
  descending: boolean;
}

/** Found in title, name, address or connection, in whatever case; sorted as people sort names. */
export function listedTags(tags: readonly TagFacts[], text: string, order: TagOrder): TagFacts[] {
  const wanted = text.trim().toLowerCase();
  const found = tags.filter((tag) =>
    [tag.title, tag.tagName, tag.address, tag.connectionId].some((one) => one.toLowerCase().includes(wanted)),
  );
  const sign = order.descending ? -1 : 1;
  const keyOf = (tag: TagFacts) => (order.by === "title" ? titleOf(tag) : `${tag.connectionId} ${tag.address}`);
  return found.sort((a, b) => sign * compareText(keyOf(a), keyOf(b)) || compareText(a.tagName, b.tagName));
}

/** What a press on a column's head makes of the order. */
export function nextOrder(order: TagOrder, by: TagOrder["by"]): TagOrder {
  return order.by === by ? { by, descending: !order.descending } : { by, descending: false };
}
