import { describe, expect, test } from "vitest";
import { penOf } from "../../model/links.ts";
import { pensOfDrop } from "./dropped.ts";

const HERE = "https://wells.example.com";
const pens = (...texts: string[]) => texts.map((text) => penOf(text) as NonNullable<ReturnType<typeof penOf>>);
const link = (...texts: string[]) => `${HERE}/trends?${texts.map((text) => `pens=${text}`).join("&")}&zone=America/Denver`;

test("a link of a value or a trend adds its pens", () => {
  expect(pensOfDrop(link("a1/pressure"), HERE, [])).toEqual({ pens: pens("a1/pressure"), said: null });
  const dropped = pensOfDrop(link("a1/pressure", "a/2/speed"), HERE, pens("a1/pressure"));
  expect(dropped).toEqual({ pens: pens("a/2/speed"), said: null });
});

test("several links with comments between, as browsers give them, are all added", () => {
  const list = `# Pressure\r\n${link("a1/pressure")}\r\n# Speed\r\n${link("a1/speed")}\r\n`;
  expect(pensOfDrop(list, HERE, []).pens).toEqual(pens("a1/pressure", "a1/speed"));
});

describe("refused with a sentence is", () => {
  test.each([
    ["something else than a link", "", "not a link"],
    ["a file", "file:///etc/passwd", "does not lead to these screens"],
    ["a link elsewhere", "https://elsewhere.example.com/trends?pens=a1/pressure", "does not lead to these screens"],
    ["a word", "a1/pressure", "does not lead to these screens"],
    ["a script", "javascript:alert(1)", "does not lead to these screens"],
    ["another page", `${HERE}/alarms`, "no value to draw"],
    ["a trend without pens", `${HERE}/trends`, "no value to draw"],
    ["one link of ours beside another's", `${link("a1/pressure")}\nhttps://elsewhere.example.com/`, "does not lead to these screens"],
  ])("%s", (_, list, why) => {
    const { pens: added, said } = pensOfDrop(list, HERE, []);
    expect(added).toEqual([]);
    expect(said).toContain(why);
  });
});

test("what is drawn already is said to be", () => {
  expect(pensOfDrop(link("a1/pressure"), HERE, pens("a1/pressure"))).toEqual({ pens: [], said: "It is drawn already." });
});

test("pens that find no room are counted, the others are added", () => {
  const drawn = pens(...[1, 2, 3, 4, 5, 6, 7].map((number) => `a1/tag_${number}`));
  const { pens: added, said } = pensOfDrop(link("a1/x", "a1/y", "a1/z"), HERE, drawn);
  expect(added).toEqual(pens("a1/x"));
  expect(said).toMatch(/^2 pens found no room/);
});
