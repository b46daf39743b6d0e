import { expect, test } from "vitest";
import { outdated, wayOf } from "./rule.ts";

const HERE = "https://wells.example";
const FILES = new Set(["/assets/main-abc.js", "/icons/pumpjack.svg", "/index.html"]);
const way = (path: string, isNavigation = false, method = "GET") =>
  wayOf({ method, url: new URL(path, HERE).href, isNavigation }, HERE, FILES);

test("every address of a page is the page, whatever stands in it", () => {
  for (const path of ["/", "/wells/pad7-3", "/trends?pens=a/b", "/sign-in?code=x", "/apis"])
    expect(way(path, true)).toBe("page");
});

test("data is never kept, however it is asked for", () => {
  for (const path of [
    "/api/scada/wells",
    "/api",
    "/screens/config.json",
    "/metrics",
    "/docs",
    "/openapi.json",
    "/readyz",
    "/healthz",
  ])
    for (const isNavigation of [false, true]) expect(way(path, isNavigation)).toBe("passed");
});

test("files of this build are kept; of another build, of other hosts and what is sent are not", () => {
  expect(way("/assets/main-abc.js")).toBe("kept");
  expect(way("/assets/main-def.js")).toBe("passed");
  expect(way("https://id.example/assets/main-abc.js")).toBe("passed");
  expect(way("https://id.example/", true)).toBe("passed");
  expect(way("/assets/main-abc.js", false, "HEAD")).toBe("passed");
  expect(way("/", true, "POST")).toBe("passed");
});

test("the files of this build and of the one before it stay", () => {
  expect(outdated(["p-1", "other", "p-2", "p-3"], "p-", "p-3")).toEqual(["p-1"]);
  expect(outdated(["p-3"], "p-", "p-3")).toEqual([]);
  expect(outdated(["p-3", "p-1"], "p-", "p-3")).toEqual([]);
});
