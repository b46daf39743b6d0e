import fc from "fast-check";
import { expect, test } from "vitest";
import { nextTry } from "./backoff.ts";

test("a lost connection is tried within a second, then ever more slowly, at most each 20 s", () => {
  expect(nextTry(1006, 0, 1)).toEqual({ kind: "after", ms: 500 });
  expect(nextTry(1006, 3, 1)).toEqual({ kind: "after", ms: 4_000 });
  expect(nextTry(1006, 99, 1)).toEqual({ kind: "after", ms: 20_000 });
});

test("screens that lost one gateway together do not come back together", () => {
  expect(nextTry(1006, 3, 0)).toEqual({ kind: "after", ms: 2_000 });
  expect(nextTry(1006, 3, 0.5)).toEqual({ kind: "after", ms: 3_000 });
});

test("a gateway that stops in order is tried at once, with jitter; one that keeps stopping is not", () => {
  expect(nextTry(1001, 0, 0.3)).toEqual({ kind: "after", ms: 300 });
  expect(nextTry(1001, 4, 1)).toEqual({ kind: "after", ms: 8_000 });
});

test("a gateway that is full is left alone for half a minute", () => {
  fc.assert(
    fc.property(fc.nat(20), fc.double({ min: 0, max: 1, noNaN: true }), (tried, chance) => {
      const next = nextTry(1013, tried, chance);
      expect(next.kind === "after" && next.ms >= 30_000 && next.ms <= 60_000).toBe(true);
    }),
  );
});

test("a refused or ended token is not tried again: it takes another", () => {
  expect(nextTry(4001, 0, 0).kind).toBe("sign-in");
  expect(nextTry(4002, 0, 0)).toEqual({ kind: "sign-in", why: "Your sign-in has ended. Sign in again." });
});
