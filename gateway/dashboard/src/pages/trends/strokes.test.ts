import { expect, test } from "vitest";
import { ribbonOf, spread, strokesOf } from "./strokes.ts";

const plain = { x: (s: number) => s, y: (v: number) => -v, reach: 5, stepped: false };
const line = (values: (number | null)[], max = values) => ({ x: values.map((_, at) => at), first: values, last: values, min: values, max, worst: [] });

test("a line never crosses a gap, and a reading alone is a dot", () => {
  const strokes = strokesOf(line([1, 2, null, 3, null, 4, 5]), plain);
  expect(strokes.lines.map((one) => one.map(([x]) => x))).toEqual([[0, 1], [5, 6]]);
  expect(strokes.lone).toEqual([[3, -3]]);
});

test("the line goes to an extreme that sticks out, and the envelope to every one", () => {
  const strokes = strokesOf(line([1, 1, 1], [1, 50, 2]), plain);
  expect(strokes.lines[0]).toContainEqual([1, -50]);
  expect(strokes.lines[0]).not.toContainEqual([2, -2]);
  expect(strokes.envelopes[0]).toContainEqual([2, -2]);
});

test("a step has no slope", () => {
  const strokes = strokesOf(line([1, 9]), { ...plain, stepped: true, reach: 100 });
  expect(strokes.lines[0]).toEqual([[0, -1], [1, -1], [1, -9]]);
});

test("labels keep their order and do not overlap", () => {
  expect(spread([50, 52, 51], 10, 0, 100)).toEqual([50, 70, 60]);
  expect(spread([99, 98], 10, 0, 100)).toEqual([100, 90]);
});

test("neighbouring columns of one quality are one stretch, GOOD ones none", () => {
  const column = (at: number, worst: 0 | 1 | 2) => ({ startMs: at * 10, worst });
  expect(ribbonOf([column(0, 1), column(1, 1), column(2, 0), column(3, 2)], 10)).toEqual([
    { fromMs: 0, toMs: 20, level: 1 },
    { fromMs: 30, toMs: 40, level: 2 },
  ]);
});
