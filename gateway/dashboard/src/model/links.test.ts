import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DEFAULT_RANGE_MS, penOf, trendLink, trendView, wellLink } from "./links.ts";
import { HOUR_MS } from "./times.ts";

const NOW = Date.parse("2026-03-12T19:32:07Z");
const FROM = Date.parse("2026-03-12T12:00:00Z");
const CHICAGO = "America/Chicago";
const PENS = [
  { wellId: "permian-a1", tagName: "tubing_pressure" },
  { wellId: "permian-a2", tagName: "casing_pressure" },
];

function read(link: string) {
  return trendView(link.slice(link.indexOf("?")), NOW, "UTC");
}

describe("a trend link", () => {
  test("says pens, absolute range with its offset, and zone, so that people can read it", () => {
    const link = trendLink({ pens: PENS, fromMs: FROM, toMs: FROM + HOUR_MS, zone: CHICAGO });
    expect(decodeURIComponent(link)).toBe(
      "/trends?pens=permian-a1/tubing_pressure&pens=permian-a2/casing_pressure" +
        "&from=2026-03-12T07:00:00-05:00&to=2026-03-12T08:00:00-05:00&zone=America/Chicago",
    );
  });

  test("reproduces the view, whatever the names, the range and the zone are", () => {
    const name = fc.string({ minLength: 1, maxLength: 20 }).filter((one) => !/[/,\ud800-\udfff]/.test(one));
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.record({ wellId: name, tagName: name }), {
          maxLength: 8,
          selector: (one) => `${one.wellId}/${one.tagName}`,
        }),
        fc.integer({ min: NOW - 500 * 24 * HOUR_MS, max: NOW }),
        fc.integer({ min: 10_000, max: 24 * HOUR_MS }),
        fc.constantFrom(CHICAGO, "Asia/Kolkata", "UTC", "America/St_Johns"),
        fc.boolean(),
        (pens, fromMs, lengthMs, zone, yesterday) => {
          const view = { pens, fromMs, toMs: fromMs + lengthMs, liveMs: null, zone, yesterday };
          expect(read(trendLink(view))).toEqual(view);
        },
      ),
    );
  });

  test("of a moving range moves", () => {
    const view = read(trendLink({ pens: PENS, liveMs: HOUR_MS, zone: CHICAGO }));
    expect(view).toMatchObject({ liveMs: HOUR_MS, fromMs: NOW - HOUR_MS, toMs: NOW });
  });

  test.each([
    ["", "says nothing"],
    ["?pens=nothing&from=yesterday&to=now", "makes no sense"],
    ["?from=2026-03-12T07:00:00&to=2026-03-12T08:00:00", "has no offset"],
    ["?from=2026-03-12T08:00:00Z&to=2026-03-12T07:00:00Z", "ends before it begins"],
    ["?from=1990-03-12T08:00:00Z&to=2026-03-12T07:00:00Z", "is longer than what is kept"],
    ["?live=1000y", "names no range"],
  ])("%s (it %s) is the last 8 hours", (search) => {
    const view = trendView(search, NOW, CHICAGO);
    expect(view).toMatchObject({
      pens: [],
      liveMs: DEFAULT_RANGE_MS,
      fromMs: NOW - DEFAULT_RANGE_MS,
      zone: CHICAGO,
    });
  });

  test("with commas between pens is read as well, and no pen twice", () => {
    const view = trendView("?pens=a/t,b/t,a/t", NOW, "UTC");
    expect(view.pens).toEqual([
      { wellId: "a", tagName: "t" },
      { wellId: "b", tagName: "t" },
    ]);
  });

  test("with a plus that was not escaped is read as well", () => {
    const view = trendView("?from=2026-03-12T07:00:00+05:30&to=2026-03-12T08:00:00+05:30", NOW, "UTC");
    expect(view).toMatchObject({ liveMs: null, fromMs: Date.parse("2026-03-12T01:30:00Z") });
  });

  test("with a zone that is none is in the screen's", () => {
    expect(trendView("?zone=Mars/Olympus", NOW, CHICAGO).zone).toBe(CHICAGO);
  });
});

test("the tag of a pen is what comes after the last slash", () => {
  expect(penOf("pad/7/tubing")).toEqual({ wellId: "pad/7", tagName: "tubing" });
  expect(penOf("tubing")).toBeNull();
  expect(penOf("pad/")).toBeNull();
});

test("a well's page holds its name, whatever is in it", () => {
  expect(wellLink("BR 07/3H", "control")).toBe("/wells/BR%2007%2F3H/control");
});
