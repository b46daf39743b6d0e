import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { memory, unsignedToken } from "../testing/answering.ts";
import { claimsOf } from "./jwt.ts";
import { safePath } from "./oidc.ts";
import { Session } from "./session.ts";

const HOUR_S = 3600;
const NO_NETWORK = (() => Promise.reject(new Error("no network"))) as typeof fetch;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date("2026-03-12T19:00:00Z") });
});
afterEach(() => {
  vi.useRealTimers();
});

function token(more: Record<string, unknown> = {}): string {
  return unsignedToken({ sub: "ann", tenantId: "permian", exp: Date.now() / 1000 + HOUR_S, ...more });
}

function fresh(storage = memory()) {
  return { storage, session: new Session({ fetch: NO_NETWORK, storage, nowMs: () => Date.now() }) };
}

describe("a link with a token", () => {
  test("signs in, and the token is gone from the address at once", () => {
    const { session } = fresh();
    const text = token();
    const address = session.resume({ pathname: "/wells/a1", search: "?x=1", hash: `#token=${text}` });
    expect(address).toBe("/wells/a1?x=1");
    expect(session.token.value).toBe(text);
  });

  test("that has ended signs nobody in, and says when it ended and how to get another", () => {
    const { session } = fresh();
    session.resume({ pathname: "/", search: "", hash: `#token=${token({ exp: 1_700_000_000 })}` });
    expect(session.token.value).toBeNull();
    expect(session.why.value).toBe("This token ended at 2023-11-14 22:13 UTC. Make a new one: pumpjack token");
  });
});

test("a reload of the window stays signed in, another window does not", () => {
  const first = fresh();
  first.session.signInWithToken(token());
  const again = fresh(first.storage);
  expect(again.session.resume({ pathname: "/", search: "", hash: "" })).toBeNull();
  expect(again.session.token.value).toBe(first.session.token.value);
  const other = fresh();
  other.session.resume({ pathname: "/", search: "", hash: "" });
  expect(other.session.token.value).toBeNull();
});

test("text that is no token is refused with a sentence, and whoever is signed in stays so", () => {
  const { session } = fresh();
  session.signInWithToken(token());
  expect(session.signInWithToken("hunter2")).toMatch(/three parts/);
  expect(session.token.value).not.toBeNull();
});

describe("the end of a token", () => {
  test("is warned of 5 minutes before, and not earlier", async () => {
    const { session } = fresh();
    session.signInWithToken(token());
    await vi.advanceTimersByTimeAsync((HOUR_S - 301) * 1000);
    expect(session.expiring.value).toBe(false);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(session.expiring.value).toBe(true);
  });

  test("signs out and says so", async () => {
    const { session, storage } = fresh();
    session.signInWithToken(token());
    await vi.advanceTimersByTimeAsync(HOUR_S * 1000 + 1000);
    expect(session.token.value).toBeNull();
    expect(session.why.value).toBe("Your sign-in has ended. Sign in again.");
    expect(storage.kept.size).toBe(0);
  });

  test("is put off by a new token", async () => {
    const { session } = fresh();
    session.signInWithToken(token());
    await vi.advanceTimersByTimeAsync((HOUR_S - 60) * 1000);
    session.signInWithToken(token());
    expect(session.expiring.value).toBe(false);
    await vi.advanceTimersByTimeAsync(120_000);
    expect(session.token.value).not.toBeNull();
  });
});

test("signing out leaves nothing behind in the window", () => {
  const { session, storage } = fresh();
  session.signInWithToken(token());
  session.signOut();
  expect(storage.kept.size).toBe(0);
  expect(session.token.value).toBeNull();
  expect(session.why.value).toBeNull();
});

test("a token that the gateway refuses signs out with its sentence", async () => {
  const { session } = fresh();
  session.signInWithToken(token());
  await session.refused("The token was refused.");
  expect(session.why.value).toBe("The token was refused.");
  expect(session.token.value).toBeNull();
});

test("claims are read in any alphabet, and what is no token has none", () => {
  expect(claimsOf(token({ sub: "Jürgen Ö", aud: "pumpjack" }))).toMatchObject({
    subject: "Jürgen Ö",
    tenantId: "permian",
    audience: ["pumpjack"],
  });
  for (const text of ["", "a.b", "a.b.c", "..", "a.W10.c.d"]) expect(claimsOf(text)).toBeNull();
});

test.each([
  ["/wells/a1?tab=1", "/wells/a1?tab=1"],
  ["//evil.example/x", "/"],
  ["/\\evil.example", "/"],
  ["https://evil.example", "/"],
  ["/sign-in?x", "/"],
  ["", "/"],
])("after sign-in, %s leads to %s", (asked, path) => {
  expect(safePath(asked)).toBe(path);
});
