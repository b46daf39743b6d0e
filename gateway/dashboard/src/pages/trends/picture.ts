// The plot as a picture to take away: with its range, its source and its pens in words.

import type { Frame } from "./frame-of.ts";
import { drawDash } from "./lettering.ts";
import { type Palette, paletteOf } from "./palette.ts";
import { spanWords } from "./ranges.ts";
import { summaryWords } from "./cursor-values.ts";
import { offsetText } from "../../model/times.ts";
import type { TrendLaneProps } from "./TrendLane.tsx";

/** PNG of all lanes as they stand; null where this browser makes none. */
export async function pictureOf(
  frame: Frame,
  charts: TrendLaneProps["charts"],
  about: { tenant: string; source: string },
): Promise<Blob | null> {
  const drawn = frame.lanes.flatMap(({ key }) => charts.get(key) ?? []);
  const [first] = drawn;
  if (first === undefined) return null;
  const palette = paletteOf(first.host);
  const scale = first.chart.canvas.width / first.host.clientWidth;
  const pad = 12 * scale;
  const line = palette.rem * 1.45 * scale;
  const canvas = document.createElement("canvas");
  const lanes = drawn.reduce((sum, one) => sum + one.chart.canvas.height, 0);
  canvas.width = first.chart.canvas.width + 2 * pad;
  canvas.height = lanes + 2 * pad + line * (frame.pens.length + 2);
  const ctx = canvas.getContext("2d");
  if (ctx === null) return null;
  ctx.fillStyle = palette.panel;
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  const size = palette.rem * 0.8 * scale;
  ctx.textBaseline = "middle";
  ctx.fillStyle = palette.ink;
  ctx.font = `650 ${size}px ${palette.font}`;
  const when = `${spanWords(frame.span, frame.zone)} ${frame.zone} ${offsetText(frame.span.toMs, frame.zone)}`;
  ctx.fillText(`${about.tenant} · ${when}`, pad, pad + line / 2);
  ctx.font = `400 ${size}px ${palette.font}`;
  ctx.textAlign = "right";
  ctx.fillText(about.source, canvas.width - pad, pad + line / 2);
  ctx.textAlign = "left";
  let top = pad + line;
  for (const { chart } of drawn) {
    ctx.drawImage(chart.canvas, pad, top);
    top += chart.canvas.height;
  }
  top += line;
  for (let index = 0; index < frame.pens.length; index++) {
    drawPenLine(ctx, palette, frame, index, { x: pad, y: top, size, scale });
    top += line;
  }
  return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
}

/** Gives a file to whoever looks at the screen. */
export function save(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

/** "trend-permian-a1-2026-03-12T0632" */
export function fileName(frame: Frame, ending: string): string {
  const wells = [...new Set(frame.pens.map((one) => one.wellId))].slice(0, 3).join("-");
  const from = new Date(frame.span.fromMs).toISOString().slice(0, 16).replace(":", "");
  return `trend-${wells.replace(/[^\w-]+/g, "_")}-${from}Z.${ending}`;
}

function drawPenLine(
  ctx: CanvasRenderingContext2D,
  palette: Palette,
  frame: Frame,
  index: number,
  at: { x: number; y: number; size: number; scale: number },
): void {
  const pen = frame.pens[index];
  if (pen === undefined) return;
  const { x, y, size, scale } = at;
  drawDash(ctx, palette, pen.look, { x, y, length: 36, width: 3, scale });
  ctx.fillStyle = palette.ink;
  ctx.font = `400 ${size}px ${palette.font}`;
  const words = summaryWords(frame, pen);
  const unit = pen.tag?.unit ? ` ${pen.tag.unit}` : "";
  const held =
    words === null
      ? "not loaded"
      : `min ${words.min}, mean of GOOD ${words.mean}, max ${words.max}${unit}, ${words.share}`;
  ctx.fillText(`${pen.wellTitle} ${pen.title}: ${held}`, x + 46 * scale, y);
}
