import { type ReadonlySignal, type Signal, computed, signal } from "@preact/signals";
import { claimsOf } from "./jwt.ts";
import { type Surroundings, beginSignIn, finishSignIn, isAnswer, renew, safePath } from "./oidc.ts";
import type { OidcConfig } from "./types/screens.ts";

const KEY = "pumpjack.session";
const WARNING_MS = 5 * 60_000;
const RENEW_BEFORE_MS = 60_000;
const LONGEST_TIMER_MS = 3_600_000;

interface Kept {
  token: string;
  refreshToken: string | null;
}

/**
 * Who is signed in: the token, and how long it lasts. It lives in sessionStorage, so it ends with
 * the window. Start it once: it takes the token out of the address at once, so that it is in no
 * history and no link that somebody copies.
 */
export class Session {
  /** The token; null when signed out. */
  readonly token: Signal<string | null> = signal(null);
  /** Why nobody is signed in, as a sentence; null where nobody was. */
  readonly why: Signal<string | null> = signal(null);
  /** When the token ends [epoch ms]. */
  readonly expiresMs: ReadonlySignal<number | null> = computed(() =>
    this.token.value === null ? null : (claimsOf(this.token.value)?.expiresMs ?? null),
  );
  /** True from 5 minutes before the end on, unless it is renewed by itself. */
  readonly expiring: Signal<boolean> = signal(false);

  readonly #around: Surroundings;
  #refreshToken: string | null = null;
  #oidc: OidcConfig | null = null;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #renewing = false;

  constructor(around: Surroundings = theBrowser()) {
    this.#around = around;
  }

  /** Whether it was signed in with a company account. */
  get isOidc(): boolean {
    return this.#oidc !== null && this.#refreshToken !== null;
  }

  /**
   * Takes over what is kept, or the token of a link `/#token=…`.
   * Answers the address as it should be shown, null where it is right as it is.
   */
  resume(address: { pathname: string; search: string; hash: string }): string | null {
    const fragment = new URLSearchParams(address.hash.replace(/^#/, ""));
    const given = fragment.get("token");
    if (given !== null) {
      this.signInWithToken(given);
      return address.pathname + address.search;
    }
    const kept = this.#kept();
    if (kept !== null) this.#take(kept);
    return null;
  }

  /** Takes a token that was pasted. Answers what is wrong with it as a sentence, null when taken. */
  signInWithToken(text: string): string | null {
    const token = text.trim();
    const claims = claimsOf(token);
    let wrong: string | null = null;
    if (claims === null) {
      wrong =
        "This is no token: it has three parts with dots between. Make one with: pumpjack token";
    } else if (claims.expiresMs !== null && claims.expiresMs <= this.#around.nowMs()) {
      const ended = new Date(claims.expiresMs).toISOString().slice(0, 16).replace("T", " ");
      wrong = `This token ended at ${ended} UTC. Make a new one: pumpjack token`;
    }
    if (wrong !== null) {
      if (this.token.value === null) this.why.value = wrong;
      return wrong;
    }
    this.#take({ token, refreshToken: null });
    return null;
  }

  /** Where to send the browser for a company account. Raises SignInError. */
  begin(config: OidcConfig, origin: string, returnTo: string): Promise<string> {
    return beginSignIn(config, `${origin}/sign-in`, returnTo, this.#around);
  }

  /** Whether the address is an issuer's answer, which finish takes. */
  isAnswer(search: string): boolean {
    return isAnswer(search);
  }

  /** Takes an issuer's answer; answers the path to go on to. Raises SignInError. */
  async finish(config: OidcConfig, origin: string, search: string): Promise<string> {
    const given = await finishSignIn(config, `${origin}/sign-in`, search, this.#around);
    this.#oidc = config;
    this.#take(given);
    return safePath(given.returnTo);
  }

  /** Tells how company accounts work here, so that a kept sign-in can be renewed. */
  know(config: OidcConfig | null): void {
    this.#oidc = config;
    if (this.token.value !== null) this.#watch();
  }

  /** Ends it. why: a sentence for the sign-in page, where the person did not want it. */
  signOut(why: string | null = null): void {
    clearTimeout(this.#timer);
    this.#refreshToken = null;
    this.#around.storage.removeItem(KEY);
    this.expiring.value = false;
    this.why.value = why;
    this.token.value = null;
  }

  /** The gateway refused the token. A renewal is tried first, where there is one. */
  async refused(sentence: string): Promise<void> {
    if (this.token.value === null || this.#renewing) return;
    if (!(await this.#renewed())) this.signOut(sentence);
  }

  #take(kept: Kept): void {
    this.#refreshToken = kept.refreshToken;
    this.#around.storage.setItem(
      KEY,
      JSON.stringify({ token: kept.token, refreshToken: kept.refreshToken } satisfies Kept),
    );
    this.why.value = null;
    this.expiring.value = false;
    this.token.value = kept.token;
    this.#watch();
  }

  #kept(): Kept | null {
    try {
      const kept = JSON.parse(this.#around.storage.getItem(KEY) ?? "null") as Kept | null;
      return kept !== null && typeof kept.token === "string" ? kept : null;
    } catch {
      return null;
    }
  }

  /** Looks when the next thing is due: renewal, warning, end. */
  #watch(): void {
    clearTimeout(this.#timer);
    const endsMs = this.expiresMs.peek();
    if (endsMs === null) return;
    const leftMs = endsMs - this.#around.nowMs();
    if (leftMs <= 0) {
      void this.#end();
      return;
    }
    if (this.isOidc && leftMs <= RENEW_BEFORE_MS) {
      void this.#renewed().then((done) => {
        if (done) return;
        this.expiring.value = true;
        this.#later(Math.min(leftMs, 10_000));
      });
      return;
    }
    this.expiring.value = !this.isOidc && leftMs <= WARNING_MS;
    const marks = this.isOidc ? [RENEW_BEFORE_MS, 0] : [WARNING_MS, 0];
    const next = marks.find((mark) => leftMs > mark) ?? 0;
    this.#later(leftMs - next);
  }

  #later(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#watch(), Math.min(Math.max(ms, 250), LONGEST_TIMER_MS));
  }

  async #end(): Promise<void> {
    if (!(await this.#renewed())) this.signOut("Your sign-in has ended. Sign in again.");
  }

  async #renewed(): Promise<boolean> {
    const [config, refreshToken] = [this.#oidc, this.#refreshToken];
    if (config === null || refreshToken === null || this.#renewing) return false;
    this.#renewing = true;
    try {
      const given = await renew(config, refreshToken, this.#around);
      this.#take(given);
      return true;
    } catch {
      return false; // the person is asked to sign in when the token ends
    } finally {
      this.#renewing = false;
    }
  }
}

function theBrowser(): Surroundings {
  return {
    fetch: (...given) => fetch(...given),
    storage: sessionStorage,
    nowMs: () => Date.now(),
  };
}
