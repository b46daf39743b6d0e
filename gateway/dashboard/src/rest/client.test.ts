import { afterEach, describe, expect, test } from "vitest";
import { type Answer, type Asked, answering } from "../testing/answering.ts";
import { Client, queryText } from "./client.ts";
import { ProblemError, sentenceOfError } from "./problem.ts";

let close: () => Promise<unknown> = async () => undefined;
afterEach(() => close());

async function gateway(answer: (asked: Asked) => Answer) {
  const server = await answering(answer);
  close = server.close;
  const signedOut: string[] = [];
  const client = new Client({
    base: server.base,
    token: () => "a.b.c",
    onSignedOut: (sentence) => signedOut.push(sentence),
  });
  return { ...server, client, signedOut };
}

async function failure(promise: Promise<unknown>): Promise<ProblemError> {
  const error = await promise.then(
    () => null,
    (one: unknown) => one,
  );
  expect(error).toBeInstanceOf(ProblemError);
  return error as ProblemError;
}

const PROBLEM = { type: "t", title: "Conflict", status: 409, detail: "nothing was done", code: "ALARM_CHANGED" };

test("a request carries the token, and what is asked for in the order of the contract", async () => {
  const { client, asked } = await gateway(() => ({ body: { series: [] } }));
  await client.points({ wellId: "BR 07/3H", tagName: ["a", "b"], start: "s", end: "e", points: 400 });
  expect(asked[0]?.headers.authorization).toBe("Bearer a.b.c");
  expect(asked[0]?.url.pathname).toBe("/api/scada/readings");
  expect(asked[0]?.url.searchParams.get("wellId")).toBe("BR 07/3H");
  expect(asked[0]?.url.searchParams.getAll("tagName")).toEqual(["a", "b"]);
});

test("a name in a path is one step of it, whatever it holds", async () => {
  const { client, asked } = await gateway(() => ({}));
  await client.well("a/../b?c");
  expect(asked[0]?.url.pathname).toBe("/api/scada/wells/a%2F..%2Fb%3Fc");
});

describe("a refusal", () => {
  test("is its sentence, its code and what else it says", async () => {
    const { client } = await gateway(() => ({ status: 409, body: { ...PROBLEM, by: "bob", at: "now" } }));
    const problem = await failure(client.actOnAlarms("acknowledge", { alarms: [{ alarmId: "x", version: 1 }] }));
    expect(problem).toMatchObject({ status: 409, code: "ALARM_CHANGED", message: "Nothing was done." });
    expect(problem.document).toMatchObject({ by: "bob", at: "now" });
  });

  test("that is no problem document is still a sentence", async () => {
    const { client } = await gateway(() => ({ status: 502, body: "<html>bad gateway</html>" }));
    const problem = await failure(client.post("/x", {}));
    expect(problem.message).toMatch(/answered 502/);
    expect(problem.message).not.toMatch(/html/);
    expect(problem.isPassing).toBe(true);
  });

  test("of the token is told to whoever holds it", async () => {
    const { client, signedOut } = await gateway(() => ({
      status: 401,
      body: { ...PROBLEM, status: 401, code: "TOKEN_EXPIRED", detail: "the token has expired" },
    }));
    expect((await failure(client.me())).isSignedOut).toBe(true);
    expect(signedOut).toEqual(["The token has expired."]);
  });
});

describe("a gateway that is busy", () => {
  test("is asked again when it says", async () => {
    let left = 1;
    const { client, asked } = await gateway(() =>
      left-- > 0
        ? { status: 503, headers: { "Retry-After": "0" }, body: { ...PROBLEM, status: 503 } }
        : { body: { asOf: "now" } },
    );
    expect(await client.me()).toEqual({ asOf: "now" });
    expect(asked).toHaveLength(2);
  });

  test("is not asked for ever", async () => {
    const { client, asked } = await gateway(() => ({ status: 429, headers: { "Retry-After": "0" }, body: PROBLEM }));
    expect((await failure(client.me())).retryAfterS).toBe(0);
    expect(asked).toHaveLength(3);
  });

  test("is not asked again for a minute's wait: the person is told", async () => {
    const { client, asked } = await gateway(() => ({ status: 429, headers: { "Retry-After": "60" }, body: PROBLEM }));
    expect((await failure(client.me())).retryAfterS).toBe(60);
    expect(asked).toHaveLength(1);
  });

  test("never gets a command twice by itself", async () => {
    const { client, asked } = await gateway(() => ({ status: 503, headers: { "Retry-After": "0" }, body: PROBLEM }));
    await failure(
      client.control({ wellId: "w", tagName: "t", value: 1, reason: "r", idempotencyKey: "12345678" }),
    );
    expect(asked).toHaveLength(1);
  });
});

test("no answer in time is a sentence with the way out", async () => {
  const { client } = await gateway(() => ({ hang: true }));
  const problem = await failure(client.me({ timeoutMs: 50 }));
  expect(problem).toMatchObject({ status: 0, code: "TIMEOUT", isPassing: true });
});

test("no gateway at all is a sentence, too", async () => {
  const { client, close: stop } = await gateway(() => ({}));
  await stop();
  expect(await failure(client.me())).toMatchObject({ status: 0, code: "OFFLINE" });
});

test("who stops asking gets no problem to show", async () => {
  const { client } = await gateway(() => ({ hang: true }));
  const stop = new AbortController();
  const asking = client.me({ signal: stop.signal });
  stop.abort();
  await expect(asking).rejects.toMatchObject({ name: "AbortError" });
});

test("an answer that is no JSON is not taken for one", async () => {
  const { client } = await gateway(() => ({ body: "<html>sign in to the guest network</html>" }));
  expect(await failure(client.me())).toMatchObject({ code: "UNREADABLE" });
});

test("a query leaves out what was not given", () => {
  expect(queryText({ a: 1, b: null, c: undefined, d: ["x", "y&z"] })).toBe("?a=1&d=x&d=y%26z");
  expect(queryText({})).toBe("");
});

test("what is no problem of the gateway is told without its insides", () => {
  expect(sentenceOfError(new TypeError("x is undefined"))).not.toMatch(/undefined/);
});
