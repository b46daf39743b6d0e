// What a command's parts are called on the screen.

import { formatNumber } from "../../model/numbers.ts";
import { valueText } from "../../model/present.ts";
import type { Command, WritableTag } from "../../rest/types/commands.ts";
import type { TagFacts } from "../../rest/types/wells.ts";

/** The tag as it is known beyond being writable; a mapping may be younger than what it says. */
export function factsOf(tag: WritableTag, known: readonly TagFacts[]): TagFacts {
  return (
    known.find((one) => one.tagName === tag.tagName && one.connectionId === tag.connectionId) ??
    known.find((one) => one.tagName === tag.tagName) ?? {
      tagName: tag.tagName,
      title: "",
      description: tag.description,
      connectionId: tag.connectionId,
      protocol: "",
      address: "",
      unit: tag.unit,
      dataType: "float64",
      intervalS: null,
      staleAfterS: null,
      low: tag.low,
      high: tag.high,
      normalLow: null,
      normalHigh: null,
      digits: null,
      stateNames: tag.stateNames,
      writable: true,
      limits: [],
    }
  );
}


/** "7.0 SPM", "STOP". */
export function valueWords(value: number | null, tag: TagFacts): string {
  if (value === null) return "–";
  const isWord = tag.stateNames[String(value)] !== undefined;
  return `${valueText(value, tag)}${isWord || tag.unit === "" ? "" : ` ${tag.unit}`}`;
}

/** "4 to 10 SPM", "SHUT or OPEN". */
export function limitWords(tag: WritableTag, facts: TagFacts): string {
  if (tag.states.length > 0) return tag.states.map((one) => valueWords(one, facts)).join(" or ");
  return `${plain(tag.low)} to ${plain(tag.high)}${tag.unit === "" ? "" : ` ${tag.unit}`}`;
}

/** A limit as it was declared, without the digits of a measurement. */
function plain(limit: number | null): string {
  return limit === null ? "–" : formatNumber(limit, Math.min(6, (String(limit).split(".")[1] ?? "").length));
}

/** Who asked, as this person reads it. */
export function byWhom(command: Command, subject: string): string {
  return command.requestedBy === subject ? "you" : command.requestedBy;
}

/** What is wrong with a value that was typed in; null: it may be asked for. */
export function wrongWith(text: string, tag: WritableTag, facts: TagFacts): string | null {
  const value = numberOf(text);
  if (value === null) return "Write a number, such as 7.5.";
  if (tag.states.length > 0) return tag.states.includes(value) ? null : `It can be ${limitWords(tag, facts)}.`;
  if ((tag.low !== null && value < tag.low) || (tag.high !== null && value > tag.high)) {
    return `Outside of what may be set: ${limitWords(tag, facts)}.`;
  }
  return null;
}

/** A number as people write it; null where it is none. */
export function numberOf(text: string): number | null {
  const plain = text.trim().replaceAll(/(?<=\d)[,\u2009 ](?=\d{3}\b)/g, "");
  if (!/^[-+−]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(plain)) return null;
  const value = Number(plain.replace("−", "-"));
  return Number.isFinite(value) ? value : null;
}
