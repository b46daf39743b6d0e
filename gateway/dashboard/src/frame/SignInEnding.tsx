import { useLocation } from "preact-iso";
import { clockText, untilText } from "../model/times.ts";
import { session } from "./gateway.ts";
import { nowMs } from "./now.ts";
import { zone } from "./zone.ts";

/** From 5 minutes before the end of a sign-in on. */
export function SignInEnding() {
  const { url } = useLocation();
  const ends = session.expiresMs.value;
  if (!session.expiring.value || ends === null) return null;
  return (
    <div class="endbar" role="region" aria-label="Sign-in">
      <b role="alert">Your sign-in ends at {clockText(ends, zone.value)}.</b>
      <span class="dim2">
        In {untilText(ends - nowMs.value)}; then this screen stops showing live values.
      </span>
      <a class="btn" href={`/sign-in?to=${encodeURIComponent(url)}`}>
        Sign in again
      </a>
    </div>
  );
}
