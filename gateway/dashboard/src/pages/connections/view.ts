// What the address says of the page: which connection, and which of them are listed.

import type { Connection } from "../../rest/types/connections.ts";
import type { OverviewWell } from "../../rest/types/wells.ts";
import { KINDS, type Kind, padsOf, stateOf } from "./states.ts";

export interface View {
  /** A connection that a link opened; "" for none. */
  id: string;
  kind: Kind | null;
  protocol: string;
  pad: string;
}

export function viewOf(query: Record<string, string | undefined>): View {
  return {
    id: query["id"] ?? "",
    kind: KINDS.find((one) => one === query["state"]) ?? null,
    protocol: query["protocol"] ?? "",
    pad: query["pad"] ?? "",
  };
}

export function linkOf(view: View): string {
  const said = new URLSearchParams();
  if (view.kind !== null) said.set("state", view.kind);
  if (view.protocol !== "") said.set("protocol", view.protocol);
  if (view.pad !== "") said.set("pad", view.pad);
  if (view.id !== "") said.set("id", view.id);
  const text = said.toString().replaceAll("%2F", "/");
  return text === "" ? "/connections" : `/connections?${text}`;
}

export function isFiltered({ protocol, pad }: View): boolean {
  return protocol !== "" || pad !== "";
}

/** Whether protocol and pad let it through. */
export function passes(connection: Connection, view: View, wells: ReadonlyMap<string, OverviewWell>): boolean {
  if (view.protocol !== "" && connection.protocol !== view.protocol) return false;
  return view.pad === "" || padsOf(connection, wells).includes(view.pad);
}

export function isListed(connection: Connection, view: View): boolean {
  return view.kind === null || stateOf(connection).kind === view.kind;
}
