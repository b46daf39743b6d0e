// What is drawn on a lane, in canvas pixels.

import uPlot from "uplot";
import { type Curve, commonBlanks, standout } from "./curves.ts";
import type { LaneScene } from "./lane-chart.ts";
import { drawLabels, drawMarks, words } from "./lettering.ts";
import { type Palette, hatch } from "./palette.ts";
import { type KnownPen, isStepped } from "./pens.ts";
import { type Point, ribbonOf, strokesOf } from "./strokes.ts";
import { blankWords } from "./words.ts";
import { valueText } from "../../model/present.ts";
import { ageText } from "../../model/times.ts";

/** An extreme is named where it is this share of the lane's values away from its neighbours. */
const NAMED_SHARE = 0.22;

/** Ground and normal bands, under the grid. */
export function drawUnder(plot: uPlot, { lane }: LaneScene, palette: Palette): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  ctx.fillStyle = palette.raised;
  ctx.fillRect(left, top, width, height);
  if (lane.values === null) return;
  const { low, high } = lane.values;
  const share = 0.5 / lane.pens.length;
  for (const { tag } of lane.pens) {
    if (tag === null || (tag.normalLow === null && tag.normalHigh === null)) continue;
    const [from, to] = [Math.max(tag.normalLow ?? low, low), Math.min(tag.normalHigh ?? high, high)];
    if (to <= from) continue;
    const [above, below] = [plot.valToPos(to, "y", true), plot.valToPos(from, "y", true)];
    ctx.globalAlpha = Math.max(share, 0.25);
    ctx.fillStyle = palette.band;
    ctx.fillRect(left, above, width, below - above);
    ctx.globalAlpha = 1;
  }
}

/** Blanks, limits, lines, labels. */
export function drawLane(plot: uPlot, scene: LaneScene, palette: Palette): void {
  const { ctx } = plot;
  const { frame, lane, isNarrow } = scene;
  const { left, top, width, height } = plot.bbox;
  const px = uPlot.pxRatio;
  const x = (ms: number) => plot.valToPos(ms / 1000, "x", true);
  ctx.save();
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  const curves = lane.pens.flatMap(({ key }) => frame.curves.get(key) ?? []);
  const blanks = curves.length === 0 ? [] : commonBlanks(curves.map((one) => one.blanks));
  ctx.fillStyle = hatch(ctx, palette, px);
  for (const one of blanks) ctx.fillRect(x(one.fromMs), top, Math.max(px, x(one.toMs) - x(one.fromMs)), height);
  drawLimits(plot, scene, palette);
  for (const pen of lane.pens) drawYesterday(plot, scene, palette, pen);
  for (const pen of lane.pens) drawPen(plot, scene, palette, pen);
  drawSeam(plot, scene, palette);
  let rightmost = -Infinity;
  for (const one of blanks) {
    const [from, to] = [Math.max(x(one.fromMs), left), Math.min(x(one.toMs), left + width)];
    if (to - from < 5 * px || (from + to) / 2 - rightmost < 0) continue;
    if (curves.every((curve) => curve.columns.length === 0)) continue; // the page says so
    const text = isNarrow && to - from < 60 * px ? ageText(one.toMs - one.fromMs) : blankWords(one);
    const at = { x: (from + to) / 2, y: isNarrow ? top + height * 0.6 : top + height - 22 * px };
    rightmost = words(ctx, palette, text, at, { isBoxed: true, bold: true, align: "center", within: [left, left + width] });
  }
  for (const curve of curves) drawDoubts(plot, scene, palette, curve);
  ctx.restore();
  drawLabels(plot, scene, palette);
  drawMarks(plot, scene, palette);
}

/** The word above the ribbon, where a stretch is long enough to ask what it means. */
function drawDoubts(plot: uPlot, { isNarrow }: LaneScene, palette: Palette, curve: Curve): void {
  const { left, top, width, height } = plot.bbox;
  const px = uPlot.pxRatio;
  const x = (ms: number) => Math.min(Math.max(plot.valToPos(ms / 1000, "x", true), left), left + width);
  let rightmost = -Infinity;
  for (const one of ribbonOf(curve.columns, curve.columnMs)) {
    const [from, to] = [x(one.fromMs), x(one.toMs)];
    if (to - from < (isNarrow ? 16 : 24) * px || (from + to) / 2 - 40 * px < rightmost) continue;
    const at = { x: (from + to) / 2, y: top + height - 9 * px };
    const text = one.level === 1 ? "? UNCERTAIN" : "× BAD";
    rightmost = words(plot.ctx, palette, text, at, { bold: true, align: "center", within: [left, left + width] });
  }
}

/** Under the lane, one for each pen: hatched none, dotted UNCERTAIN, crosses BAD. */
export function drawRibbons(plot: uPlot, { frame, lane, gutters }: LaneScene, palette: Palette): void {
  const { ctx } = plot;
  const { left, top, width, height } = plot.bbox;
  const px = uPlot.pxRatio;
  const x = (ms: number) => Math.min(Math.max(plot.valToPos(ms / 1000, "x", true), left), left + width);
  const each = ((gutters.ribbon - 6) * px) / lane.pens.length;
  lane.pens.forEach((pen, index) => {
    const y = top + height + 2 * px + index * each;
    const high = each - px;
    ctx.fillStyle = palette.sunk;
    ctx.fillRect(left, y, width, high);
    if (lane.pens.length > 1) {
      ctx.fillStyle = palette.pens[pen.look.hue - 1] ?? palette.ink;
      ctx.fillRect(left - 5 * px, y, 3 * px, high);
    }
    const curve = frame.curves.get(pen.key);
    if (curve === undefined) return;
    ctx.fillStyle = hatch(ctx, palette, px);
    for (const one of [...curve.blanks, ...curve.unrated]) {
      ctx.fillRect(x(one.fromMs), y, Math.max(px, x(one.toMs) - x(one.fromMs)), high);
    }
    ctx.fillStyle = ctx.strokeStyle = palette.ink;
    ctx.lineWidth = 1.4 * px;
    for (const one of ribbonOf(curve.columns, curve.columnMs)) {
      const [from, to] = [x(one.fromMs), Math.max(x(one.toMs), x(one.fromMs) + 2 * px)];
      const middle = y + high / 2;
      const half = Math.min(high / 2, 2.6 * px);
      ctx.beginPath();
      for (let at = from + px; at < to; at += (one.level === 1 ? 4 : 6) * px) {
        if (one.level === 1) {
          ctx.moveTo(at + 1.1 * px, middle);
          ctx.arc(at, middle, 1.1 * px, 0, 7);
        } else {
          ctx.moveTo(at - half, middle - half);
          ctx.lineTo(at + half, middle + half);
          ctx.moveTo(at + half, middle - half);
          ctx.lineTo(at - half, middle + half);
        }
      }
      if (one.level === 1) ctx.fill();
      else ctx.stroke();
    }
  });
}

function drawPen(plot: uPlot, scene: LaneScene, palette: Palette, pen: KnownPen): void {
  const { ctx } = plot;
  const curve = scene.frame.curves.get(pen.key);
  if (curve === undefined || pen.tag === null || scene.lane.values === null) return;
  const px = uPlot.pxRatio;
  const colour = palette.pens[pen.look.hue - 1] ?? palette.ink;
  const strokes = strokesOf(curve.line, {
    x: (seconds) => plot.valToPos(seconds, "x", true),
    y: (value) => plot.valToPos(value, "y", true),
    reach: 7 * px,
    stepped: isStepped(pen.tag),
  });
  ctx.globalAlpha = 0.28;
  ctx.fillStyle = colour;
  for (const outline of strokes.envelopes) {
    trace(ctx, outline);
    ctx.fill();
  }
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colour;
  ctx.lineWidth = 1.8 * px;
  ctx.lineJoin = "round";
  ctx.setLineDash(pen.look.dash.map((one) => one * px));
  for (const one of strokes.lines) {
    trace(ctx, one);
    ctx.stroke();
  }
  ctx.setLineDash([]);
  for (const [cx, cy] of strokes.lone) {
    ctx.beginPath();
    ctx.arc(cx, cy, 2.4 * px, 0, 7);
    ctx.fill();
  }
  const { low, high } = scene.lane.values;
  const out = isStepped(pen.tag) ? null : standout(curve, (high - low) * NAMED_SHARE);
  if (out === null) return;
  const at = { x: plot.valToPos(out.atMs / 1000, "x", true), y: plot.valToPos(out.value, "y", true) };
  ctx.beginPath();
  ctx.arc(at.x, at.y, 4 * px, 0, 7);
  ctx.fillStyle = palette.raised;
  ctx.fill();
  ctx.stroke();
  const toRight = at.x < plot.bbox.left + plot.bbox.width * 0.75;
  const beside = { x: at.x + (toRight ? 9 : -9) * px, y: at.y };
  words(ctx, palette, `${valueText(out.value, pen.tag)}, kept`, beside, { align: toRight ? "left" : "right" });
}

function drawYesterday(plot: uPlot, scene: LaneScene, palette: Palette, pen: KnownPen): void {
  const curve = scene.frame.yesterday.get(pen.key);
  if (curve === undefined || scene.lane.values === null) return;
  const { ctx } = plot;
  const px = uPlot.pxRatio;
  const strokes = strokesOf(curve.line, {
    x: (seconds) => plot.valToPos(seconds, "x", true),
    y: (value) => plot.valToPos(value, "y", true),
    reach: Infinity,
    stepped: isStepped(pen.tag),
  });
  ctx.strokeStyle = palette.ink3;
  ctx.lineWidth = 1.2 * px;
  ctx.setLineDash([2 * px, 4 * px]);
  for (const one of strokes.lines) {
    trace(ctx, one);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

function drawLimits(plot: uPlot, { lane }: LaneScene, palette: Palette): void {
  if (lane.values === null) return;
  const { ctx } = plot;
  const px = uPlot.pxRatio;
  const { left, width } = plot.bbox;
  ctx.setLineDash([7 * px, 4 * px]);
  for (const limit of lane.pens.flatMap(({ tag }) => tag?.limits ?? [])) {
    if (limit.limit < lane.values.low || limit.limit > lane.values.high) continue;
    const isHard = limit.condition === "hihi" || limit.condition === "lolo";
    ctx.strokeStyle = isHard ? palette.ink : palette.ink2;
    ctx.lineWidth = (isHard ? 1.6 : 1.2) * px;
    const y = Math.round(plot.valToPos(limit.limit, "y", true)) + 0.5;
    trace(ctx, [
      [left, y],
      [left + width, y],
    ]);
    ctx.stroke();
  }
  ctx.setLineDash([]);
}

function drawSeam(plot: uPlot, { frame, isLast, isNarrow }: LaneScene, palette: Palette): void {
  if (frame.seamMs === null || frame.seamMs < frame.span.fromMs) return;
  const { ctx } = plot;
  const px = uPlot.pxRatio;
  const { left, top, height } = plot.bbox;
  const x = Math.round(plot.valToPos(frame.seamMs / 1000, "x", true)) + 0.5;
  ctx.strokeStyle = palette.ink2;
  ctx.lineWidth = 1.2 * px;
  ctx.setLineDash([2 * px, 3 * px]);
  trace(ctx, [
    [x, top],
    [x, top + height],
  ]);
  ctx.stroke();
  ctx.setLineDash([]);
  if (!isLast || isNarrow) return;
  const at = { x: x - 6 * px, y: top + height - 8 * px };
  if (at.x - left > 90 * px) words(ctx, palette, "stored ◂ ▸ live", at, { align: "right" });
}

function trace(ctx: CanvasRenderingContext2D, points: readonly Point[]): void {
  ctx.beginPath();
  points.forEach(([x, y], index) => (index === 0 ? ctx.moveTo(x, y) : ctx.lineTo(x, y)));
}
