// Sign-in with a company account: OpenID Connect, authorization code flow with PKCE (RFC 7636).

import { claimsOf } from "./jwt.ts";
import type { OidcConfig } from "./types/screens.ts";

const PENDING_KEY = "pumpjack.oidc";
const PENDING_MS = 15 * 60_000;
const TIMEOUT_MS = 15_000;

/** Why sign-in failed, as a sentence with the way out. */
export class SignInError extends Error {
  constructor(sentence: string) {
    super(sentence);
    this.name = "SignInError";
  }
}

/** What the issuer gave. token is what the gateway is shown; refreshToken renews it silently. */
export interface Tokens {
  token: string;
  refreshToken: string | null;
}

/** What of the browser is needed; tests bring their own. */
export interface Surroundings {
  fetch: typeof fetch;
  storage: Pick<Storage, "getItem" | "setItem" | "removeItem">;
  nowMs: () => number;
}

interface Endpoints {
  authorization_endpoint: string;
  token_endpoint: string;
  end_session_endpoint?: string;
}

interface Pending {
  state: string;
  nonce: string;
  verifier: string;
  returnTo: string;
  atMs: number;
}

/** Where to send the browser. redirectUri: this page's own /sign-in; returnTo: where to go after. */
export async function beginSignIn(
  config: OidcConfig,
  redirectUri: string,
  returnTo: string,
  around: Surroundings,
): Promise<string> {
  const endpoints = await discover(config, around);
  const pending: Pending = {
    state: randomText(),
    nonce: randomText(),
    verifier: randomText(48),
    returnTo: safePath(returnTo),
    atMs: around.nowMs(),
  };
  around.storage.setItem(PENDING_KEY, JSON.stringify(pending));
  const url = new URL(endpoints.authorization_endpoint);
  const asked: Record<string, string> = {
    response_type: "code",
    client_id: config.clientId,
    redirect_uri: redirectUri,
    scope: config.scopes,
    state: pending.state,
    nonce: pending.nonce,
    code_challenge: await challengeOf(pending.verifier),
    code_challenge_method: "S256",
  };
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value);
  return url.href;
}

/** Whether this address is the issuer's answer to beginSignIn. */
export function isAnswer(search: string): boolean {
  const said = new URLSearchParams(search);
  return said.has("state") && (said.has("code") || said.has("error"));
}

/** Turns the issuer's answer into tokens. Raises SignInError. */
export async function finishSignIn(
  config: OidcConfig,
  redirectUri: string,
  search: string,
  around: Surroundings,
): Promise<Tokens & { returnTo: string }> {
  const said = new URLSearchParams(search);
  const pending = readPending(around);
  around.storage.removeItem(PENDING_KEY);
  if (pending === null || pending.state !== said.get("state")) {
    throw new SignInError(
      "This sign-in was not begun in this window, or was used already. Sign in again.",
    );
  }
  if (around.nowMs() - pending.atMs > PENDING_MS) {
    throw new SignInError("This sign-in was begun more than 15 minutes ago. Sign in again.");
  }
  const error = said.get("error");
  if (error !== null) throw new SignInError(refusedBecause(error, said.get("error_description")));
  const endpoints = await discover(config, around);
  const tokens = await askTokens(endpoints, around, {
    grant_type: "authorization_code",
    code: said.get("code") ?? "",
    redirect_uri: redirectUri,
    client_id: config.clientId,
    code_verifier: pending.verifier,
  });
  checkIdToken(tokens.idToken, config, pending.nonce, around.nowMs());
  return { token: tokens.token, refreshToken: tokens.refreshToken, returnTo: pending.returnTo };
}

/** A new token, without the person. Raises SignInError when the issuer wants them to sign in. */
export async function renew(
  config: OidcConfig,
  refreshToken: string,
  around: Surroundings,
): Promise<Tokens> {
  const endpoints = await discover(config, around);
  const given = await askTokens(endpoints, around, {
    grant_type: "refresh_token",
    refresh_token: refreshToken,
    client_id: config.clientId,
  });
  return { token: given.token, refreshToken: given.refreshToken ?? refreshToken };
}

async function discover(config: OidcConfig, around: Surroundings): Promise<Endpoints> {
  const address = `${config.issuer.replace(/\/$/, "")}/.well-known/openid-configuration`;
  const found = (await getJson(address, config.issuer, around)) as Partial<
    Endpoints & { issuer: string }
  >;
  if (found.issuer !== config.issuer) {
    throw new SignInError(
      `The issuer calls itself ${found.issuer ?? "nothing"}, and the gateway is set to ` +
        `${config.issuer}. Whoever runs the gateway has to set oidc_issuer to exactly that name.`,
    );
  }
  if (!found.authorization_endpoint || !found.token_endpoint) {
    throw new SignInError(
      `${config.issuer} does not say where to sign in. Whoever runs it has to look at its discovery document.`,
    );
  }
  return found as Endpoints;
}

async function getJson(address: string, issuer: string, around: Surroundings): Promise<unknown> {
  try {
    const answer = await around.fetch(address, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    if (answer.ok) return await answer.json();
  } catch {
    // told below, as any other failure to answer
  }
  throw new SignInError(
    `${issuer}, which knows the company's accounts, cannot be reached. Check the network and try again.`,
  );
}

async function askTokens(
  endpoints: Endpoints,
  around: Surroundings,
  form: Record<string, string>,
): Promise<Tokens & { idToken: string | null }> {
  let answer: Response;
  let said: Record<string, unknown>;
  try {
    answer = await around.fetch(endpoints.token_endpoint, {
      method: "POST",
      body: new URLSearchParams(form),
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    said = (await answer.json()) as Record<string, unknown>;
  } catch {
    throw new SignInError("The issuer did not answer when asked for a token. Sign in again.");
  }
  if (!answer.ok) {
    const error = typeof said["error"] === "string" ? said["error"] : `status ${answer.status}`;
    const more = typeof said["error_description"] === "string" ? said["error_description"] : null;
    throw new SignInError(refusedBecause(error, more));
  }
  const access = typeof said["access_token"] === "string" ? said["access_token"] : null;
  const idToken = typeof said["id_token"] === "string" ? said["id_token"] : null;
  // some issuers give access tokens that only they can read; the gateway needs a JWT
  const token = access !== null && claimsOf(access) !== null ? access : idToken;
  if (token === null) {
    throw new SignInError(
      "The issuer gave no token that the gateway can read. Whoever runs it has to let it issue JWTs.",
    );
  }
  const refreshToken = typeof said["refresh_token"] === "string" ? said["refresh_token"] : null;
  return { token, refreshToken, idToken };
}

/** OpenID Connect Core 3.1.3.7; it came from the issuer itself over TLS, so the signature is not checked. */
function checkIdToken(
  idToken: string | null,
  config: OidcConfig,
  nonce: string,
  nowMs: number,
): void {
  const claims = idToken === null ? null : claimsOf(idToken);
  const right =
    claims !== null &&
    claims.issuer === config.issuer &&
    claims.audience.includes(config.clientId) &&
    claims.nonce === nonce &&
    (claims.expiresMs ?? 0) > nowMs - 60_000;
  if (!right) {
    throw new SignInError(
      "The issuer's answer does not belong to this sign-in. Sign in again; if it stays so, tell whoever runs the gateway.",
    );
  }
}

function refusedBecause(error: string, description: string | null): string {
  switch (error) {
    case "access_denied":
      return "The issuer refused: you cancelled, or your account may not use Pumpjack. Ask whoever gives out access.";
    case "login_required":
    case "interaction_required":
    case "consent_required":
    case "invalid_grant":
      return "Your sign-in has ended. Sign in again.";
    case "invalid_client":
    case "unauthorized_client":
    case "redirect_uri_mismatch":
      return `The issuer does not know this page (${error}). Whoever runs the gateway has to register it there.`;
    case "temporarily_unavailable":
    case "server_error":
      return "The issuer has trouble now. Try again in a minute.";
    default:
      return `The issuer refused: ${(description ?? error).slice(0, 200)}. Sign in again, or ask whoever runs it.`;
  }
}

function readPending(around: Surroundings): Pending | null {
  try {
    return JSON.parse(around.storage.getItem(PENDING_KEY) ?? "null") as Pending | null;
  } catch {
    return null;
  }
}

/** A path of this page alone: a link must not send anybody elsewhere after sign-in. */
export function safePath(path: string): string {
  return /^\/(?![/\\])/.test(path) && !path.startsWith("/sign-in") ? path : "/";
}

function randomText(bytes = 24): string {
  return base64url(crypto.getRandomValues(new Uint8Array(bytes)));
}

async function challengeOf(verifier: string): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  return base64url(new Uint8Array(digest));
}

function base64url(bytes: Uint8Array): string {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}
