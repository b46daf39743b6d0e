// What is drawn, as a table for a spreadsheet. Pure.

import { qualityOf } from "../../model/quality.ts";
import { isoText } from "../../model/times.ts";
import type { Frame } from "./frame-of.ts";

const HEAD = "from,to,well,tag,title,unit,first,min,mean_good,max,last,readings,good,quality,note";

/**
 * One line a drawn column and pen, and one for each stretch without readings, by pen and time.
 * Times are ISO 8601 with the offset of the zone; quality is the worst of the column.
 */
export function csvOf(frame: Frame): string {
  const time = (ms: number) => isoText(ms, frame.zone);
  const lines = [HEAD];
  for (const pen of frame.pens) {
    const curve = frame.curves.get(pen.key);
    if (curve === undefined) continue;
    const who = [pen.wellId, pen.tagName, pen.title, pen.tag?.unit ?? ""].map(cell).join(",");
    const rows = curve.columns.map((one) => ({
      atMs: one.firstMs,
      text: [
        time(one.firstMs),
        time(one.lastMs),
        who,
        ...[one.first, one.min, one.mean, one.max, one.last].map((value) => value ?? ""),
        one.n,
        one.good,
        qualityOf(one.worst),
        "",
      ].join(","),
    }));
    for (const blank of curve.blanks) {
      const text = [time(blank.fromMs), time(blank.toMs), who, ",,,,", 0, 0, "NONE", cell(blank.reason)];
      rows.push({ atMs: blank.fromMs, text: text.join(",") });
    }
    rows.sort((a, b) => a.atMs - b.atMs);
    lines.push(...rows.map((one) => one.text));
  }
  return `${lines.join("\r\n")}\r\n`;
}

/** Quoted where it must be; text that a spreadsheet would calculate is kept text. */
function cell(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
