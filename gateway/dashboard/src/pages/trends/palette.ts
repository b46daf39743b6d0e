// The design's colours as a canvas takes them; read anew for each theme.

export interface Palette {
  pens: readonly [string, string, string, string];
  panel: string;
  raised: string;
  sunk: string;
  line: string;
  ink: string;
  ink2: string;
  ink3: string;
  band: string;
  priority: readonly { fill: string; on: string }[];
  shapeEdge: string;
  font: string;
  /** Pixels of 1 rem. */
  rem: number;
}

export function paletteOf(element: Element): Palette {
  const style = getComputedStyle(element);
  const token = (name: string) => style.getPropertyValue(`--${name}`).trim() || "#888";
  return {
    pens: [token("pen1"), token("pen2"), token("pen3"), token("pen4")],
    panel: token("panel"),
    raised: token("raised"),
    sunk: token("sunk"),
    line: token("line"),
    ink: token("ink"),
    ink2: token("ink2"),
    ink3: token("ink3"),
    band: token("band"),
    priority: [1, 2, 3, 4].map((one) => ({ fill: token(`p${one}`), on: token(`p${one}on`) })),
    shapeEdge: token("shape-edge"),
    font: style.fontFamily,
    rem: Number.parseFloat(getComputedStyle(document.documentElement).fontSize) || 16,
  };
}

const tiles = new Map<string, CanvasPattern | null>();

/** Slanted lines, as the design has them where nothing is known. */
export function hatch(ctx: CanvasRenderingContext2D, palette: Palette, scale: number): CanvasPattern | string {
  const key = `${palette.sunk} ${palette.ink3} ${scale}`;
  if (!tiles.has(key)) {
    const size = Math.round(8 * scale);
    const tile = document.createElement("canvas");
    tile.width = tile.height = size;
    const on = tile.getContext("2d");
    if (on !== null) {
      on.fillStyle = palette.sunk;
      on.fillRect(0, 0, size, size);
      on.strokeStyle = palette.ink3;
      on.lineWidth = 1.5 * scale;
      for (const at of [-size, 0, size]) {
        on.moveTo(at - 1, size + 1);
        on.lineTo(at + size + 1, -1);
      }
      on.stroke();
    }
    tiles.set(key, ctx.createPattern(tile, "repeat"));
  }
  return tiles.get(key) ?? palette.sunk;
}
