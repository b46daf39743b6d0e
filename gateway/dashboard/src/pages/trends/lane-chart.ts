import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import type { DrawnLane, Frame } from "./frame-of.ts";
import { drawLane, drawRibbons, drawUnder } from "./drawing.ts";
import { type Palette, paletteOf } from "./palette.ts";
import { tickWords } from "./ranges.ts";
import { axisNumber } from "./words.ts";
import { hasStates } from "./pens.ts";

/** Around a lane's plotting area [CSS px]. */
export interface Gutters {
  left: number;
  right: number;
  top: number;
  /** Height of the quality ribbons, their margins included. */
  ribbon: number;
  /** Below the last lane: the times. */
  times: number;
}

export interface LaneScene {
  frame: Frame;
  lane: DrawnLane;
  gutters: Gutters;
  isLast: boolean;
  /** No room for labels beside the lane: they are inside. */
  isNarrow: boolean;
}

/** One lane on a canvas: uPlot has its scales, ticks and grid, drawing.ts what is on it. */
export class LaneChart {
  readonly #plot: uPlot;
  #scene: LaneScene;
  #palette: Palette;
  #host: HTMLElement;

  constructor(host: HTMLElement, scene: LaneScene, width: number, height: number) {
    this.#host = host;
    this.#scene = scene;
    this.#palette = paletteOf(host);
    this.#plot = new uPlot(this.#options(width, height), dataOf(scene), host);
  }

  get canvas(): HTMLCanvasElement {
    return this.#plot.ctx.canvas;
  }

  show(scene: LaneScene, width: number, height: number): void {
    this.#scene = scene;
    this.#palette = paletteOf(this.#host);
    if (width !== this.#plot.width || height !== this.#plot.height) {
      this.#plot.setSize({ width, height });
    }
    this.#plot.setData(dataOf(scene), true);
  }

  /** Where a value stands [CSS px from the top of the lane]. */
  yOf(value: number): number {
    return this.#plot.valToPos(value, "y") + this.#plot.bbox.top / uPlot.pxRatio;
  }

  destroy(): void {
    this.#plot.destroy();
  }

  #options(width: number, height: number): uPlot.Options {
    const { gutters, isLast } = this.#scene;
    // uPlot takes whole pixels only
    const font = () => `400 ${Math.round(this.#palette.rem * 0.72)}px ${this.#palette.font}`;
    const grid = { stroke: () => this.#palette.line, width: 1 };
    const look = { stroke: () => this.#palette.ink3, font: font(), grid, ticks: { show: false } };
    return {
      width,
      height,
      legend: { show: false },
      cursor: { show: false },
      padding: [gutters.top, gutters.right, 0, 0],
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), this.#scene.frame.zone),
      scales: {
        x: {
          time: true,
          range: () => {
            const { fromMs, toMs } = this.#scene.frame.span;
            return [fromMs / 1000, toMs / 1000];
          },
        },
        y: {
          range: () => {
            const values = this.#scene.lane.values;
            return values === null ? [0, 1] : [values.low, values.high];
          },
        },
      },
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      axes: [
        {
          ...look,
          size: gutters.ribbon + (isLast ? gutters.times : 0),
          gap: gutters.ribbon,
          space: this.#palette.rem * (this.#scene.isNarrow ? 4.2 : 5.5),
          values: (_, splits, __, ___, incr) =>
            isLast ? splits.map((at) => tickWords(at * 1000, incr * 1000, this.#scene.frame.zone)) : splits.map(() => ""),
        },
        {
          ...look,
          size: gutters.left,
          gap: 6,
          space: this.#palette.rem * 1.9,
          splits: (plot, axis, low, high, incr, space) => this.#splits(plot, axis, low, high, incr, space),
          values: (plot, splits, __, ___, incr) => this.#valueWords(plot, splits, incr),
        },
      ],
      hooks: {
        drawClear: [(plot) => this.#draw(plot, drawUnder)],
        draw: [(plot) => this.#draw(plot, drawLane, drawRibbons)],
      },
    };
  }

  /** uPlot keeps in mind how its context is set, so it must find it as it was. */
  #draw(plot: uPlot, ...layers: ((plot: uPlot, scene: LaneScene, palette: Palette) => void)[]): void {
    plot.ctx.save();
    for (const layer of layers) layer(plot, this.#scene, this.#palette);
    plot.ctx.restore();
  }

  #splits(_: uPlot, __: number, low: number, high: number, incr: number, ___: number): number[] {
    const { lane } = this.#scene;
    if (lane.values === null) return [];
    const names = lane.pens[0]?.tag?.stateNames ?? {};
    if (hasStates(lane.pens[0]?.tag ?? null)) {
      return Object.keys(names).map(Number).filter((one) => one >= low && one <= high);
    }
    const found: number[] = [];
    for (let at = Math.ceil(low / incr); at * incr <= high; at++) found.push(Number((at * incr).toPrecision(12)));
    return found;
  }

  #valueWords(plot: uPlot, splits: readonly number[], incr: number): string[] {
    const { lane, isNarrow } = this.#scene;
    const taken = isNarrow || lane.unit === "" ? -Infinity : this.#palette.rem * 1.1; // the unit is there
    const names = lane.pens[0]?.tag?.stateNames ?? {};
    return splits.map((one) =>
      plot.valToPos(one, "y") < taken ? "" : (names[String(one)] ?? axisNumber(one, incr)),
    );
  }
}

function dataOf({ frame }: LaneScene): uPlot.AlignedData {
  const { fromMs, toMs } = frame.span;
  return [
    [fromMs / 1000, toMs / 1000],
    [null, null],
  ];
}
