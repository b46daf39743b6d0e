import { expect, test } from "vitest";
import { sampleAlarm, sampleTag } from "../../testing/samples.ts";
import { keyValues, smallTrends } from "./chosen.ts";
import { WALK_MS, neighboursOf, walkOrder } from "./neighbours.ts";
import { fitted, widthOf } from "./picture/fitted.ts";
import { partOf } from "./picture/roles.ts";
import { isAllowed, isAllowedElement } from "./picture/safe-svg.ts";
import { listedTags, nextOrder } from "./tag-list.ts";

const plain = { low: null, high: null, normalLow: null, normalHigh: null, limits: [], stateNames: {}, digits: null };

test("a role is played by the tag that the well maps, else by the one of its name", () => {
  const tags = [sampleTag({ tagName: "thp", unit: "psi" }), sampleTag({ tagName: "tubing_pressure", unit: "psi" })];
  const role = { label: "Tubing", unit: "psi" };
  const mapped = partOf("tubing_pressure", role, { roles: { tubing_pressure: "thp" }, tags });
  const named = partOf("tubing_pressure", role, { roles: {}, tags });
  expect([mapped.kind === "tag" && mapped.own.tagName, named.kind === "tag" && named.own.tagName]).toEqual(["thp", "tubing_pressure"]);
});

test("a role that nothing plays is told as not mapped", () => {
  expect(partOf("gas_rate", { label: "Gas" }, { roles: {}, tags: [] }).kind).toBe("unmapped");
});

test("a unit that differs is converted with its range and limits, in the picture's digits", () => {
  const tag = sampleTag({ ...plain, tagName: "p", unit: "bar", low: 0, high: 100, digits: 2 });
  const part = partOf("p", { label: "P", unit: "psi", digits: 0 }, { roles: {}, tags: [tag] });
  if (part.kind !== "tag") throw new Error(part.kind);
  expect(part.tag.unit).toBe("psi");
  expect(part.tag.digits).toBe(0);
  expect(part.turn(10)).toBeCloseTo(145.04, 2);
  expect(part.tag.high).toBeCloseTo(1450.4, 1);
});

test("a unit of another quantity is refused and never relabelled", () => {
  const tag = sampleTag({ ...plain, tagName: "p", unit: "°F" });
  const part = partOf("p", { label: "P", unit: "psi" }, { roles: {}, tags: [tag] });
  expect(part.kind).toBe("refused");
});

test("the words of a role's states stand where the tag has none of its own", () => {
  const tag = sampleTag({ ...plain, tagName: "run_status", unit: "" });
  const part = partOf("run_status", { label: "State", states: { 1: "RUNNING" } }, { roles: {}, tags: [tag] });
  expect(part.kind === "tag" && part.tag.stateNames["1"]).toBe("RUNNING");
});

test("of a drawing only what is listed gets into the page", () => {
  for (const name of ["script", "foreignObject", "style", "image", "a", "animate", "iframe"]) expect(isAllowedElement(name)).toBe(false);
  for (const name of ["g", "path", "rect", "text"]) expect(isAllowedElement(name)).toBe(true);
  expect(isAllowed("onclick", "x()")).toBe(false);
  expect(isAllowed("style", "fill:red")).toBe(false);
  expect(isAllowed("href", "https://elsewhere.example/")).toBe(false);
  expect(isAllowed("href", "#own")).toBe(true);
  expect(isAllowed("fill", "url(#hatch)")).toBe(true);
  expect(isAllowed("fill", "url(https://elsewhere.example/x)")).toBe(false);
  expect(isAllowed("fill", "u\\72l(https://elsewhere.example/x)")).toBe(false);
  expect(isAllowed("fill", "url(#a) url(//b)")).toBe(false);
});

test("a number that is wider than its box is pressed into it", () => {
  expect(fitted(["285", "psi"], 82)).toBeNull();
  expect(fitted(["1,234,567.89", "bbl/d"], 82)).toBe(82);
  expect(widthOf("1,234", "")).toBeLessThan(widthOf("12345", ""));
});

test("key tags come first, and the tag of an alarm is never missing", () => {
  const tags = Array.from({ length: 12 }, (_, at) => sampleTag({ ...plain, tagName: `t${at}`, low: 0, high: 1 }));
  const chosen = keyValues({ keyTags: ["t7", "t3"], tags }, [sampleAlarm({ tagName: "t11" })]).map((one) => one.tagName);
  expect(chosen.slice(0, 2)).toEqual(["t7", "t3"]);
  expect(chosen).toHaveLength(10);
  expect(chosen.at(-1)).toBe("t11");
});

test("the trend of the most urgent alarm stands first", () => {
  const tags = ["a", "b", "c", "d", "e"].map((tagName) => sampleTag({ ...plain, tagName }));
  const names = smallTrends({ keyTags: ["a"], tags }, sampleAlarm({ tagName: "e" })).map((one) => one.tagName);
  expect(names).toEqual(["e", "a", "b", "c"]);
});

test("the walk over wells goes round", () => {
  expect(neighboursOf("a", ["a", "b", "c"])).toEqual({ place: 1, total: 3, previous: "c", next: "b" });
  expect(neighboursOf("a", ["a"])).toMatchObject({ previous: null, next: null });
});

test("the order stands still while somebody walks, so that each well comes once", () => {
  const walk = { order: ["a", "b", "c"], usedMs: 0 };
  expect(walkOrder(walk, ["c", "d", "a"], 1000)).toEqual(["a", "c", "d"]);
  expect(walkOrder(walk, ["c", "d", "a"], WALK_MS + 1)).toEqual(["c", "d", "a"]);
});

test("tags are found by name, address and connection, and sorted as people sort names", () => {
  const tags = ["tank 10", "tank 2", "pump"].map((title) => sampleTag({ ...plain, title, tagName: title, address: `x:${title}` }));
  expect(listedTags(tags, "TANK", { by: "title", descending: false }).map((one) => one.title)).toEqual(["tank 2", "tank 10"]);
  expect(listedTags(tags, "x:pump", { by: "title", descending: false })).toHaveLength(1);
  expect(nextOrder({ by: "title", descending: false }, "title")).toEqual({ by: "title", descending: true });
});
