// One or two sentences about a connection that a person can act on.

import { bytesText, counted } from "../../model/numbers.ts";
import { ageText } from "../../model/times.ts";
import type { Connection } from "../../rest/types/connections.ts";
import { conditionOf, stateOf } from "./states.ts";

export interface Advice {
  /** What it is, before the time since when: "Down". */
  head: string;
  /** What happened, and what to do. */
  body: string;
  /** How many wells have no present readings for it. */
  silentWells: number;
}

export function adviceOf(connection: Connection): Advice {
  const { word, kind } = stateOf(connection);
  const silentWells = kind === "down" || kind === "connecting" ? connection.wells.length : 0;
  return { head: word, body: bodyOf(connection, word), silentWells };
}

function bodyOf(connection: Connection, word: string): string {
  const where = connection.endpoint === "" ? "the device" : connection.endpoint;
  const told = connection.message === null ? "" : sentence(connection.message);
  switch (word) {
    case "Connected":
      return `${counted(connection.mappedTags, "tag is", "tags are")} read from ${where}.`;
    case "Connecting":
      return `The worker is connecting to ${where}. ${told}`;
    case "Suspended":
      return "The device is not read, as spec.suspend of its ScadaConnection asks. Take that away, and reading begins again.";
    case "No worker":
      return "Nothing is heard of its worker; values shown are the last known. It is started again by itself; if this lasts, look at the worker's log.";
    case "Not running":
      return "No worker of this connection is running. Look at the status of its ScadaConnection.";
    case "Stopped":
      return "Its worker was stopped and has stored what it had. Start it again, or delete the connection.";
    case "Replaced":
      return "Another worker reads this device; the one that is heard here only empties its journal.";
    case "Unknown":
      return "The gateway has lost the live feed and is connecting again; values shown are the last known.";
    case "Stalled":
      return `The device is read, and the database does not take its readings: the oldest waits for ${ageText(connection.journal.oldestS * 1_000)}. They are safe in the journal${roomLeft(connection)}. Check the database.`;
    case "Tags rejected":
      return sentence(conditionOf(connection, "MappingsAccepted")?.message.split("; the first:")[0] ?? "Some tags are not read");
    case "Not stored":
    case "No readings":
    case "No tags":
      return sentence(conditionOf(connection, "DataFlowing")?.message ?? word);
    default:
      return `${told === "" ? `${where} is away.` : told} The worker tries again by itself, at least every 30 s.`;
  }
}

function roomLeft({ journal }: Connection): string {
  if (journal.sizeBytes === null) return "";
  const left = Math.max(0, journal.sizeBytes - journal.bytes);
  return left === 0 ? ", which is full" : `, with room for ${bytesText(left)} more`;
}

/** What waits, in words. */
export function journalWords({ journal, stale }: Connection): string {
  if (stale) return "As the worker told it last.";
  if (journal.batches === 0) return "Nothing waits to be stored.";
  return `${counted(journal.batches, "batch waits", "batches wait")} to be stored; the oldest for ${ageText(journal.oldestS * 1_000)}.`;
}

/** With a capital letter and a full stop. */
export function sentence(text: string): string {
  const trimmed = text.trim();
  if (trimmed === "") return "";
  // an address or a name stays as it is written
  const first = /^[a-z]+\b(?![.:/-])/.test(trimmed) ? trimmed.charAt(0).toUpperCase() + trimmed.slice(1) : trimmed;
  return /[.!?]$/.test(first) ? first : `${first}.`;
}
