// The drawing of a sparkline as values: paths in a box of 100 × 26, shares of its width for gaps.

/** One value a column; null: nothing in it. worst: 0 GOOD, 1 UNCERTAIN, 2 BAD. fromMs to toMs is all of it. */
export interface SparkColumns {
  min: readonly (number | null)[];
  max: readonly (number | null)[];
  last: readonly (number | null)[];
  worst: readonly (0 | 1 | 2 | null)[];
  fromMs?: number;
  toMs?: number;
}

export interface Band {
  low: number | null;
  high: number | null;
}

export interface Run {
  /** Shares of the width, 0 to 1. */
  from: number;
  to: number;
  kind: "none" | "bad" | "uncertain";
}

export interface SparkShape {
  line: string;
  envelope: string;
  /** Of the normal band, from the top; null: none declared. */
  band: { y: number; height: number } | null;
  runs: Run[];
}

export const WIDTH = 100;
export const HEIGHT = 26;
const PAD = 2;

/** Each stretch of values a line of its own: a gap is a gap. */
export function sparkShape(columns: SparkColumns, normal: Band, sinceMs = -Infinity): SparkShape {
  const count = columns.last.length;
  const span = spanOf(columns, normal);
  const step = count > 1 ? WIDTH / (count - 1) : 0;
  const y = (value: number) =>
    round(PAD + (1 - (value - span.low) / (span.high - span.low)) * (HEIGHT - 2 * PAD));
  const x = (index: number) => round(index * step);
  const line: string[] = [];
  const envelope: string[] = [];
  for (const [first, end] of stretches(columns.last)) {
    const above: string[] = [];
    const below: string[] = [];
    for (let index = first; index < end; index++) {
      const last = columns.last[index] ?? 0;
      line.push(`${index === first ? "M" : "L"}${x(index)} ${y(last)}`);
      above.push(`${x(index)} ${y(columns.max[index] ?? last)}`);
      below.unshift(`${x(index)} ${y(columns.min[index] ?? last)}`);
    }
    // A lone point has no length: a stroke of nothing with round ends is a dot.
    if (end - first === 1) line.push("h.01");
    else envelope.push(`M${above.join("L")}L${below.join("L")}z`);
  }
  return {
    line: line.join(""),
    envelope: envelope.join(""),
    band: bandOf(normal, span, y),
    runs: begun(runsOf(columns), columns, sinceMs),
  };
}

function spanOf(columns: SparkColumns, normal: Band): { low: number; high: number } {
  let low = normal.low ?? Infinity;
  let high = normal.high ?? -Infinity;
  for (const values of [columns.min, columns.max, columns.last]) {
    for (const value of values) {
      if (value === null) continue;
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
  }
  if (!(high >= low)) return { low: 0, high: 1 };
  if (high > low) return { low, high };
  const margin = Math.abs(high) * 0.01 || 1;
  return { low: low - margin, high: high + margin };
}

function bandOf(normal: Band, span: { low: number; high: number }, y: (value: number) => number) {
  if (normal.low === null && normal.high === null) return null;
  const top = y(normal.high ?? span.high);
  const bottom = y(normal.low ?? span.low);
  return { y: top, height: round(bottom - top) };
}

/** [first, end) of each stretch of columns that have a value. */
function stretches(values: readonly (number | null)[]): [number, number][] {
  const found: [number, number][] = [];
  let first = -1;
  for (let index = 0; index <= values.length; index++) {
    const has = index < values.length && values[index] !== null && values[index] !== undefined;
    if (has && first < 0) first = index;
    if (!has && first >= 0) {
      found.push([first, index]);
      first = -1;
    }
  }
  return found;
}

/** What is not plainly good, in runs; a hole reaches half a column beyond its columns on either side. */
function runsOf(columns: SparkColumns): Run[] {
  const count = columns.last.length;
  const runs: Run[] = [];
  const width = count > 1 ? 1 / (count - 1) : 1;
  const edge = (index: number) =>
    Math.round(Math.min(Math.max((index - 0.5) * width, 0), 1) * 1e4) / 1e4;
  for (let index = 0; index < count; index++) {
    const kind = kindOf(columns.last[index] ?? null, columns.worst[index] ?? null);
    if (kind === null) continue;
    const before = runs.at(-1);
    if (before !== undefined && before.kind === kind && before.to >= edge(index) - 1e-9) {
      before.to = edge(index + 1);
    } else {
      runs.push({ from: edge(index), to: edge(index + 1), kind });
    }
  }
  return runs;
}

/** Without the nothing that was before anybody read it. */
function begun(runs: Run[], { fromMs, toMs }: SparkColumns, sinceMs: number): Run[] {
  const [first] = runs;
  if (fromMs === undefined || toMs === undefined || first?.kind !== "none" || first.from > 0) return runs;
  const from = Math.min(Math.max((sinceMs - fromMs) / (toMs - fromMs), 0), first.to);
  return from < first.to ? [{ ...first, from }, ...runs.slice(1)] : runs.slice(1);
}

function kindOf(last: number | null, worst: 0 | 1 | 2 | null): Run["kind"] | null {
  if (worst === 2) return "bad";
  if (last === null) return "none";
  return worst === 1 ? "uncertain" : null;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
