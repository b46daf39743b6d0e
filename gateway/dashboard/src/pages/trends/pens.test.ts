import { expect, test } from "vitest";
import { sampleTag } from "../../testing/samples.ts";
import { knownPens, labelOf, lanesOf, lookOf } from "./pens.ts";

const wells: Record<string, { title: string; tags: ReturnType<typeof sampleTag>[] }> = {
  a1: {
    title: "Permian A-1",
    tags: [
      sampleTag({ tagName: "tubing", unit: "psi", title: "Tubing" }),
      sampleTag({ tagName: "run", unit: "", stateNames: { "0": "STOPPED", "1": "RUNNING" } }),
      sampleTag({ tagName: "load", unit: "lbf" }),
    ],
  },
  a2: { title: "Permian A-2", tags: [sampleTag({ tagName: "tubing", unit: "psi", title: "Tubing" })] },
};
const pens = (...texts: string[]) =>
  knownPens(
    texts.map((text) => ({ wellId: text.split("/")[0] ?? "", tagName: text.split("/")[1] ?? "" })),
    (wellId) => wells[wellId] ?? null,
  );

test("eight pens have eight different looks", () => {
  const looks = Array.from({ length: 8 }, (_, index) => JSON.stringify(lookOf(index)));
  expect(new Set(looks).size).toBe(8);
});

test("pens of one unit share a lane, a tag of states has its own, an unknown tag has none", () => {
  const lanes = lanesOf(pens("a1/tubing", "a1/load", "a2/tubing", "a1/run", "a1/nothing", "nowhere/x"));
  expect(lanes.map((lane) => lane.pens.map((one) => one.key))).toEqual([
    ["a1/tubing", "a2/tubing"],
    ["a1/load"],
    ["a1/run"],
  ]);
});

test("a label names the well only where there are several, and only what tells them apart", () => {
  const one = pens("a1/tubing", "a1/load");
  expect(labelOf(one[0]!, one)).toBe("Tubing");
  const two = pens("a1/tubing", "a2/tubing");
  expect(two.map((pen) => labelOf(pen, two))).toEqual(["A-1 Tubing", "A-2 Tubing"]);
});
