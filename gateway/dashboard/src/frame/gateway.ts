// What every page needs of its gateway: who is signed in, what they may do, the client, the feed.

import { type Signal, computed, effect, signal } from "@preact/signals";
import { serverNow } from "../live/clock.ts";
import { live, startLive, stopLive } from "../live/live.ts";
import { Client } from "../rest/client.ts";
import { claimsOf } from "../rest/jwt.ts";
import { ProblemError } from "../rest/problem.ts";
import { Session } from "../rest/session.ts";
import type { Me, Role } from "../rest/types/me.ts";
import type { ScreensConfig } from "../rest/types/screens.ts";

const TRY_AGAIN_MS = 3_000;

export const session = new Session();
export const client = new Client({
  token: () => session.token.peek(),
  onSignedOut: (sentence) => void session.refused(sentence),
});

/** How this gateway is reached and signed in to; null until it has answered. */
export const config: Signal<ScreensConfig | null> = signal(null);
/** Why it has not answered; tried again every few seconds. */
export const configProblem: Signal<ProblemError | null> = signal(null);
/** When it is asked next [epoch ms]; null: now, or it has answered. */
export const configNextTryMs: Signal<number | null> = signal(null);
/** Who is signed in, in the gateway's words; null until it has answered. */
export const me: Signal<Me | null> = signal(null);
/** live() can be called. */
export const isLive: Signal<boolean> = signal(false);

/** Whose wells these are; from the gateway, and until then from the token. */
export const tenant = computed(
  () =>
    me.value?.tenantId ??
    (session.token.value === null ? null : claimsOf(session.token.value)?.tenantId) ??
    "",
);
export const role = computed<Role>(() => me.value?.role ?? "viewer");

/** An action as `me` lists it: "acknowledge", "shelve", "command", "approve", "out-of-service" … */
export type Action =
  | "acknowledge"
  | "shelve"
  | "unshelve"
  | "reset"
  | "command"
  | "approve"
  | "out-of-service"
  | "in-service";

const NEEDS: Partial<Record<Action, Role>> = {
  "out-of-service": "engineer",
  "in-service": "engineer",
};

/** Why it cannot be done now, as a sentence for a Button's off; null: it can. */
export function whyNot(action: Action): string | null {
  if (!isLive.value) return "The gateway is being reached.";
  const { kind } = live().state.value;
  if (kind === "offline")
    return "This screen has lost the gateway; nothing can be done until it is back.";
  if (kind === "connecting") return "The gateway is being reached.";
  const known = me.value;
  if (known === null) return "The gateway has not said yet what you may do.";
  if (known.may.includes(action)) return null;
  return `Needs the ${NEEDS[action] ?? "operator"} role; you are ${known.role}.`;
}

/** Begins: takes the token out of the address, asks the gateway how it is reached, keeps up with the session. */
export function begin(): void {
  const shown = session.resume(location);
  if (shown !== null) history.replaceState(null, "", shown);
  addEventListener("online", tryConfigNow);
  void ask(
    () => client.config(),
    (answer) => {
      config.value = answer;
      configProblem.value = null;
      configNextTryMs.value = null;
      session.know(answer.oidc);
    },
    (problem) => (configProblem.value = problem),
    { pause: waitForConfig },
  );
  effect(() => {
    const [token, known] = [session.token.value !== null, config.value];
    if (!token) end();
    else if (known !== null && !isLive.peek()) {
      startLive({ client, session, webSocketUrl: known.webSocketUrl });
      isLive.value = true;
    }
  });
  effect(() => {
    const token = session.token.value;
    if (token === null) return;
    void ask(
      () => client.me(),
      (answer) => (me.value = answer),
      () => undefined,
      { isWanted: () => session.token.peek() === token },
    );
  });
}

function end(): void {
  me.value = null;
  if (!isLive.peek()) return;
  isLive.value = false;
  stopLive();
}

/** Asks until there is an answer, or nobody wants it any more. */
async function ask<A>(
  question: () => Promise<A>,
  take: (answer: A) => void,
  failed: (problem: ProblemError) => void,
  how: { isWanted?: () => boolean; pause?: () => Promise<void> } = {},
): Promise<void> {
  const { isWanted = () => true, pause = () => after(TRY_AGAIN_MS) } = how;
  while (isWanted()) {
    try {
      const answer = await question();
      if (isWanted()) take(answer);
      return;
    } catch (error) {
      if (!(error instanceof ProblemError)) throw error;
      failed(error);
      if (error.isSignedOut) return;
      await pause();
    }
  }
}

let wakeConfig: () => void = () => undefined;

/** Asks at once how the gateway is reached, where the next try is waited for. */
export function tryConfigNow(): void {
  wakeConfig();
}

async function waitForConfig(): Promise<void> {
  configNextTryMs.value = serverNow() + TRY_AGAIN_MS;
  await Promise.race([
    after(TRY_AGAIN_MS),
    new Promise<void>((resolve) => {
      wakeConfig = resolve;
    }),
  ]);
  configNextTryMs.value = null;
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
