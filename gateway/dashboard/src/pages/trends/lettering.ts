// Words and alarm marks on a lane.

import uPlot from "uplot";
import { TO_ACKNOWLEDGE } from "../../model/alarms.ts";
import { live } from "../../live/live.ts";
import { msOf } from "../../model/times.ts";
import { SHAPES } from "../../parts/AlarmShape.tsx";
import type { LaneScene } from "./lane-chart.ts";
import type { Palette } from "./palette.ts";
import { type PenLook, labelOf } from "./pens.ts";
import { spread } from "./strokes.ts";
import { limitWords } from "./words.ts";

/** Height of a pen's name above a lane. */
export const NAME_REM = 1.15;

interface Lettering {
  align?: "left" | "center" | "right";
  bold?: boolean;
  isBoxed?: boolean;
  /** It stays between these [canvas px]. */
  within?: readonly [number, number];
}

/** Writes; answers its right end. Ground behind it keeps it readable over lines. */
export function words(
  ctx: CanvasRenderingContext2D,
  palette: Palette,
  text: string,
  at: { x: number; y: number },
  { align = "left", bold = false, isBoxed = false, within }: Lettering = {},
): number {
  const px = uPlot.pxRatio;
  const size = palette.rem * 0.75 * px;
  ctx.font = `${bold ? 650 : 400} ${size}px ${palette.font}`;
  const width = ctx.measureText(text).width;
  const pad = (isBoxed ? 9 : 2) * px;
  const high = (isBoxed ? 1.85 : 1.35) * size;
  let left = at.x - (align === "left" ? 0 : align === "right" ? width : width / 2);
  if (within) left = Math.max(within[0] + pad + px, Math.min(left, within[1] - width - pad - px));
  ctx.beginPath();
  ctx.roundRect(left - pad, at.y - high / 2, width + 2 * pad, high, 3 * px);
  ctx.fillStyle = palette.raised;
  ctx.globalAlpha = isBoxed ? 1 : 0.75;
  ctx.fill();
  ctx.globalAlpha = 1;
  if (isBoxed) {
    ctx.strokeStyle = palette.ink;
    ctx.lineWidth = 1.5 * px;
    ctx.stroke();
  }
  ctx.fillStyle = palette.ink;
  ctx.textAlign = "left";
  ctx.textBaseline = "middle";
  ctx.fillText(text, left, at.y);
  return left + width + pad;
}

/** The unit, and beside the lane each pen's name and each limit; inside it where there is no room. */
export function drawLabels(plot: uPlot, scene: LaneScene, palette: Palette): void {
  const { ctx } = plot;
  const { frame, lane, gutters, isNarrow } = scene;
  const px = uPlot.pxRatio;
  const { left, top, width, height } = plot.bbox;
  const size = palette.rem * 0.75 * px;
  ctx.textBaseline = "middle";
  ctx.fillStyle = palette.ink;
  ctx.font = `650 ${size}px ${palette.font}`;
  ctx.textAlign = isNarrow ? "left" : "right";
  if (isNarrow) ctx.fillText(lane.unit, 4 * px, top - size * 0.7);
  else ctx.fillText(lane.unit, left - 7 * px, top + size * 0.6);
  if (isNarrow) drawNames(plot, scene, palette);
  if (lane.values === null) return;
  const { low, high } = lane.values;
  const y = (value: number) => plot.valToPos(value, "y", true);
  const labels: { text: string; y: number; bold: boolean; hue: string | null }[] = [];
  for (const pen of lane.pens) {
    if (isNarrow) break; // above the lane
    const ends = frame.curves.get(pen.key)?.line.last.filter((one) => one !== null) ?? [];
    const end = ends.at(-1);
    if (end == null) continue;
    labels.push({
      text: labelOf(pen, frame.pens),
      y: Math.min(Math.max(y(end), top), top + height),
      bold: true,
      hue: palette.pens[pen.look.hue - 1] ?? null,
    });
  }
  for (const { tag } of lane.pens) {
    for (const limit of tag?.limits ?? []) {
      if (tag === null || limit.limit < low || limit.limit > high) continue;
      const text = limitWords(limit, tag);
      if (labels.some((one) => one.text === text)) continue;
      labels.push({ text, y: y(limit.limit), bold: false, hue: null });
    }
  }
  const step = size * 1.3;
  const ys = spread(labels.map((one) => (isNarrow ? one.y - size * 0.8 : one.y)), step, top + size / 2, top + height - size / 2);
  labels.forEach((label, index) => {
    const at = ys[index] ?? label.y;
    if (isNarrow) {
      words(ctx, palette, label.text, { x: left + 4 * px, y: at });
      return;
    }
    ctx.font = `${label.bold ? 650 : 400} ${size}px ${palette.font}`;
    ctx.textAlign = "left";
    ctx.textBaseline = "middle";
    const x = left + width + 7 * px;
    ctx.fillStyle = palette.ink;
    ctx.fillText(cut(ctx, label.text, (gutters.right - 9) * px), x, at);
    if (label.hue !== null && Math.abs(at - label.y) > 2 * px) {
      ctx.strokeStyle = label.hue;
      ctx.lineWidth = px;
      ctx.beginPath();
      ctx.moveTo(left + width, label.y);
      ctx.lineTo(x - 2 * px, at);
      ctx.stroke();
    }
  });
}

/** Where there is no room beside it: above the lane, each pen's dash and name. */
function drawNames(plot: uPlot, { frame, lane }: LaneScene, palette: Palette): void {
  const { ctx } = plot;
  const px = uPlot.pxRatio;
  const { left, top, width } = plot.bbox;
  const size = palette.rem * 0.75 * px;
  ctx.font = `650 ${size}px ${palette.font}`;
  ctx.textAlign = "left";
  lane.pens.forEach((pen, index) => {
    const y = top - size * 0.7 - (lane.pens.length - 1 - index) * palette.rem * NAME_REM * px;
    drawDash(ctx, palette, pen.look, { x: left, y, length: 30, width: 2.4, scale: px });
    ctx.fillStyle = palette.ink;
    ctx.fillText(cut(ctx, labelOf(pen, frame.pens), width - 36 * px), left + 36 * px, y);
  });
}

/** A pen's hue and dash, as a short line before its name; length and width in pixels of scale 1. */
export function drawDash(
  ctx: CanvasRenderingContext2D,
  palette: Palette,
  look: PenLook,
  { x, y, length, width, scale }: { x: number; y: number; length: number; width: number; scale: number },
): void {
  ctx.strokeStyle = palette.pens[look.hue - 1] ?? palette.ink;
  ctx.lineWidth = width * scale;
  ctx.setLineDash(look.dash.map((one) => one * scale));
  ctx.beginPath();
  ctx.moveTo(x, y);
  ctx.lineTo(x + length * scale, y);
  ctx.stroke();
  ctx.setLineDash([]);
}

/** An alarm's shape where it was raised. */
export function drawMarks(plot: uPlot, { frame, lane }: LaneScene, palette: Palette): void {
  const { ctx } = plot;
  const px = uPlot.pxRatio;
  for (const pen of lane.pens) {
    for (const event of frame.marks.get(pen.key) ?? []) {
      const { fill, on } = palette.priority[event.priority - 1] ?? { fill: palette.ink, on: palette.raised };
      const alarm = live().alarms.get(event.alarmId);
      const stands = alarm != null && alarm.activeSince === event.at && TO_ACKNOWLEDGE.has(alarm.state);
      const shape = SHAPES[event.priority];
      ctx.save();
      ctx.translate(plot.valToPos(msOf(event.at) / 1000, "x", true), plot.bbox.top + 13 * px);
      ctx.scale(0.9 * px, 0.9 * px);
      ctx.translate(-10, -10);
      if (stands) {
        ctx.strokeStyle = palette.ink;
        ctx.lineWidth = 2;
        ctx.stroke(new Path2D(shape.ring));
      }
      ctx.fillStyle = fill;
      ctx.fill(new Path2D(shape.body));
      ctx.strokeStyle = palette.shapeEdge;
      ctx.lineWidth = 1.4;
      ctx.stroke(new Path2D(shape.body));
      ctx.fillStyle = on;
      ctx.font = `700 12px ${palette.font}`;
      ctx.textAlign = "center";
      ctx.textBaseline = "alphabetic";
      ctx.fillText(String(event.priority), 10, shape.number);
      ctx.restore();
    }
  }
}

function cut(ctx: CanvasRenderingContext2D, text: string, most: number): string {
  if (ctx.measureText(text).width <= most) return text;
  let end = text.length;
  while (end > 1 && ctx.measureText(`${text.slice(0, end)}…`).width > most) end -= 1;
  return `${text.slice(0, end).trimEnd()}…`;
}
