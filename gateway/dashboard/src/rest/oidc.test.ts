import { createHash } from "node:crypto";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Asked, answering, memory, unsignedToken } from "../testing/answering.ts";
import { SignInError, type Surroundings, beginSignIn, finishSignIn, isAnswer, renew } from "./oidc.ts";
import { Session } from "./session.ts";

const PAGE = "http://127.0.0.1:4000/sign-in";
const soon = () => Date.now() / 1000 + 3600;

/** An issuer in this process: a discovery document and a token endpoint that checks PKCE. */
class Issuer {
  base = "";
  name = "";
  asked: Asked[] = [];
  close: () => Promise<unknown> = async () => undefined;
  challenge = "";
  nonce = "";
  accessToken: string | null = null;
  tokenStatus = 200;
  tokenError = "invalid_grant";

  async start(): Promise<void> {
    const server = await answering((asked) => this.#answer(asked));
    this.base = this.name = server.base;
    this.asked = server.asked;
    this.close = server.close;
  }

  #answer(asked: Asked) {
    if (asked.url.pathname === "/.well-known/openid-configuration") {
      return {
        body: {
          issuer: this.name,
          authorization_endpoint: `${this.base}/authorize`,
          token_endpoint: `${this.base}/token`,
        },
      };
    }
    const form = new URLSearchParams(asked.body);
    if (this.tokenStatus !== 200) return { status: this.tokenStatus, body: { error: this.tokenError } };
    if (form.get("grant_type") === "authorization_code") {
      const verifier = form.get("code_verifier") ?? "";
      const challenge = createHash("sha256").update(verifier).digest("base64url");
      if (challenge !== this.challenge) return { status: 400, body: { error: "invalid_grant" } };
    }
    return {
      body: {
        access_token: this.accessToken ?? unsignedToken({ sub: "ann", aud: "pumpjack", exp: soon() }),
        id_token: unsignedToken({ iss: this.name, aud: "screens", nonce: this.nonce, exp: soon(), sub: "ann" }),
        refresh_token: form.get("refresh_token") === null ? "first refresh" : undefined,
      },
    };
  }
}

let issuer: Issuer;
let around: Surroundings;
const config = () => ({ issuer: issuer.base, clientId: "screens", scopes: "openid profile" });

beforeEach(async () => {
  issuer = new Issuer();
  await issuer.start();
  around = { fetch, storage: memory(), nowMs: () => Date.now() };
});
afterEach(() => issuer.close());

/** The person signs in at the issuer, which sends the browser back with this. */
async function signInThere(returnTo = "/wells/a1"): Promise<string> {
  const url = new URL(await beginSignIn(config(), PAGE, returnTo, around));
  issuer.challenge = url.searchParams.get("code_challenge") ?? "";
  issuer.nonce = url.searchParams.get("nonce") ?? "";
  return `?code=abc&state=${url.searchParams.get("state")}`;
}

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (one: unknown) => one,
  );
  expect(error).toBeInstanceOf(SignInError);
  return (error as SignInError).message;
}

describe("sign-in with a company account", () => {
  test("sends the browser to the issuer with a challenge, and keeps the secret", async () => {
    const url = new URL(await beginSignIn(config(), PAGE, "/", around));
    expect(url.origin + url.pathname).toBe(`${issuer.base}/authorize`);
    expect(Object.fromEntries(url.searchParams)).toMatchObject({
      response_type: "code",
      client_id: "screens",
      redirect_uri: PAGE,
      scope: "openid profile",
      code_challenge_method: "S256",
    });
    const kept = [...(around.storage as ReturnType<typeof memory>).kept.values()].join();
    const { verifier } = JSON.parse(kept) as { verifier: string };
    expect(url.href).not.toContain(verifier);
    expect(verifier.length).toBeGreaterThanOrEqual(43);
  });

  test("turns the answer into a token and goes back to where the person was", async () => {
    const answer = await signInThere();
    expect(isAnswer(answer)).toBe(true);
    const given = await finishSignIn(config(), PAGE, answer, around);
    expect(given).toMatchObject({ returnTo: "/wells/a1", refreshToken: "first refresh" });
    const form = new URLSearchParams(issuer.asked.at(-1)?.body);
    expect(form.get("redirect_uri")).toBe(PAGE);
  });

  test("shows the gateway the id token where the access token is none that it could read", async () => {
    issuer.accessToken = "opaque";
    const given = await finishSignIn(config(), PAGE, await signInThere(), around);
    expect(given.token.split(".")).toHaveLength(3);
  });

  test("takes an answer once, and only to a sign-in that was begun in this window", async () => {
    const answer = await signInThere();
    await finishSignIn(config(), PAGE, answer, around);
    expect(await refusal(finishSignIn(config(), PAGE, answer, around))).toMatch(/not begun in this window/);
    await signInThere();
    const forged = finishSignIn(config(), PAGE, "?code=abc&state=mine", around);
    expect(await refusal(forged)).toMatch(/not begun in this window/);
  });

  test("refuses an id token of another sign-in", async () => {
    const answer = await signInThere();
    issuer.nonce = "another";
    expect(await refusal(finishSignIn(config(), PAGE, answer, around))).toMatch(/does not belong/);
  });

  test("refuses an issuer that calls itself otherwise than the gateway does", async () => {
    issuer.name = "https://id.example.com";
    expect(await refusal(beginSignIn(config(), PAGE, "/", around))).toMatch(/calls itself https:\/\/id.example.com/);
  });

  test("says that the person cancelled", async () => {
    const answer = (await signInThere()).replace("code=abc", "error=access_denied");
    expect(await refusal(finishSignIn(config(), PAGE, answer, around))).toMatch(/you cancelled/);
  });

  test("says that the issuer cannot be reached", async () => {
    await issuer.close();
    expect(await refusal(beginSignIn(config(), PAGE, "/", around))).toMatch(/cannot be reached/);
  });

  test("does not take an answer that took a quarter of an hour", async () => {
    const answer = await signInThere();
    const late = { ...around, nowMs: () => Date.now() + 16 * 60_000 };
    expect(await refusal(finishSignIn(config(), PAGE, answer, late))).toMatch(/15 minutes/);
  });
});

describe("renewal", () => {
  test("gives a new token without the person, and keeps the refresh token if no new one comes", async () => {
    expect(await renew(config(), "mine", around)).toMatchObject({ refreshToken: "mine" });
    expect(new URLSearchParams(issuer.asked.at(-1)?.body).get("grant_type")).toBe("refresh_token");
  });

  test("that the issuer refuses asks for the person", async () => {
    issuer.tokenStatus = 400;
    expect(await refusal(renew(config(), "mine", around))).toBe("Your sign-in has ended. Sign in again.");
  });

  test("is tried before anybody is signed out by the gateway's refusal", async () => {
    const session = new Session(around);
    const answer = await signInThere();
    expect(await session.finish(config(), new URL(PAGE).origin, answer)).toBe("/wells/a1");
    const before = session.token.value;
    issuer.accessToken = unsignedToken({ sub: "ann", exp: soon() + 60 });
    await session.refused("The token was refused.");
    expect(session.token.value).toBe(issuer.accessToken);
    expect(session.token.value).not.toBe(before);
    issuer.tokenStatus = 400;
    await session.refused("The token was refused.");
    expect(session.token.value).toBeNull();
    session.signOut();
  });
});
