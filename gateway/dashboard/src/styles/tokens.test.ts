import { readFileSync } from "node:fs";
import { expect, test } from "vitest";

const css = readFileSync(new URL("./tokens.css", import.meta.url), "utf8");

test("the dark theme is the same whether the system asks for it or the person", () => {
  expect(declared(":root:not([data-theme])")).toEqual(declared(':root[data-theme="dark"]'));
});

test("each theme has a value for every colour of the other", () => {
  const names = (selector: string) => Object.keys(declared(selector)).sort();
  expect(names(':root[data-theme="light"]')).toEqual(names(':root[data-theme="dark"]'));
});

/** What the block of a selector declares, by name; it fails where there is none. */
function declared(selector: string): Record<string, string> {
  const [, block] = css.split(`${selector} {`);
  if (block === undefined) throw new Error(`tokens.css has no block for ${selector}.`);
  const lines = block.slice(0, block.indexOf("}")).match(/[\w-]+: [^;]+(?=;)/g) ?? [];
  expect(lines).not.toHaveLength(0);
  return Object.fromEntries(lines.map((line) => line.split(": ", 2)));
}
