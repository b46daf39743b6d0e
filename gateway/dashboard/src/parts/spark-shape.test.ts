import { describe, expect, it } from "vitest";
import { type SparkColumns, sparkShape } from "./spark-shape.ts";

const NO_BAND = { low: null, high: null };

function columns(last: (number | null)[], worst?: (0 | 1 | 2 | null)[]): SparkColumns {
  return {
    min: last,
    max: last,
    last,
    worst: worst ?? last.map((one) => (one === null ? null : 0)),
  };
}

describe("a sparkline", () => {
  it("is not drawn across a gap", () => {
    const shape = sparkShape(columns([1, 2, null, null, 3, 4]), NO_BAND);
    expect(shape.line.match(/M/g)).toHaveLength(2);
    expect(shape.runs).toEqual([{ from: 0.3, to: 0.7, kind: "none" }]);
  });

  it("has no gap before it was read first, and one from then on", () => {
    const timed = { ...columns([null, null, null, null, 3]), fromMs: 0, toMs: 100 };
    expect(sparkShape(timed, NO_BAND).runs).toEqual([{ from: 0, to: 0.875, kind: "none" }]);
    expect(sparkShape(timed, NO_BAND, 50).runs).toEqual([{ from: 0.5, to: 0.875, kind: "none" }]);
    expect(sparkShape(timed, NO_BAND, 90).runs).toEqual([]);
    expect(sparkShape({ ...timed, ...columns([null, 2, null, null, 3]) }, NO_BAND, 90).runs).toEqual([
      { from: 0.375, to: 0.875, kind: "none" },
    ]);
  });

  it("shows a lone point between two gaps", () => {
    const shape = sparkShape(columns([null, 5, null]), NO_BAND);
    expect(shape.line).toMatch(/^M50 [\d.]+h\.01$/);
  });

  it("keeps the extremes of each column, not only its last value", () => {
    const spike: SparkColumns = {
      min: [1, 1, 1],
      max: [1, 9, 1],
      last: [1, 1, 1],
      worst: [0, 0, 0],
    };
    const shape = sparkShape(spike, NO_BAND);
    expect(shape.envelope).toContain("L50 2L");
    expect(shape.line).toBe("M0 24L50 24L100 24");
  });

  it("marks columns that hold a BAD reading, though they have a value as well", () => {
    const shape = sparkShape(columns([1, 2, 3, 4], [0, 2, 1, 0]), NO_BAND);
    expect(shape.runs.map((run) => run.kind)).toEqual(["bad", "uncertain"]);
  });

  it("holds the whole normal band, so that flat means flat within what is normal", () => {
    const shape = sparkShape(columns([50, 50]), { low: 0, high: 100 });
    expect(shape.band).toEqual({ y: 2, height: 22 });
    expect(shape.line).toBe("M0 13L100 13");
  });

  it("is all gap where nothing was read, and draws a constant in the middle", () => {
    expect(sparkShape(columns([null, null, null]), NO_BAND)).toMatchObject({
      line: "",
      runs: [{ from: 0, to: 1, kind: "none" }],
    });
    expect(sparkShape(columns([7, 7]), NO_BAND).line).toBe("M0 13L100 13");
  });
});
