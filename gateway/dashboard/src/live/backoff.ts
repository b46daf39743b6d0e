// When to connect again, by how the last connection ended (docs/wire.md, close codes). Pure.

const FIRST_MS = 500;
const MOST_MS = 20_000;
const BUSY_MS = 30_000;
const AT_ONCE_MS = 1_000;

export type Next =
  | { kind: "after"; ms: number }
  /** Only with another token: why, as a sentence. */
  | { kind: "sign-in"; why: string };

const SIGNED_OUT: Record<number, string> = {
  4001: "The gateway refused the token. Sign in again.",
  4002: "Your sign-in has ended. Sign in again.",
};

/** tried: connections that failed since the last that worked. chance: 0 to 1, a random number. */
export function nextTry(code: number, tried: number, chance: number): Next {
  const why = SIGNED_OUT[code];
  if (why !== undefined) return { kind: "sign-in", why };
  if (code === 1013) return { kind: "after", ms: BUSY_MS + chance * BUSY_MS };
  if ((code === 1001 || code === 4003) && tried === 0) {
    return { kind: "after", ms: chance * AT_ONCE_MS };
  }
  // half of it by chance, so that a thousand screens do not come back in one moment
  const whole = Math.min(MOST_MS, FIRST_MS * 2 ** Math.min(tried, 10));
  return { kind: "after", ms: whole / 2 + (chance * whole) / 2 };
}
