import { ageText, clockText, offsetText, untilText } from "../model/times.ts";
import { Button } from "../parts/Button.tsx";
import { Icon } from "../parts/Icon.tsx";

export interface OfflineBarProps {
  /** When it was lost [epoch ms]. */
  sinceMs: number;
  /** When it is tried again; null: now. */
  nextTryMs: number | null;
  now: number;
  zone: string;
  onTry: () => void;
  /** The page was opened without it: there is nothing to be old. */
  neverReached?: boolean;
}

/** The gateway is lost: since when, what that means, and when it is tried again. */
export function OfflineBar(props: OfflineBarProps) {
  const { sinceMs, nextTryMs, now, zone, onTry, neverReached = false } = props;
  const next =
    nextTryMs === null || nextTryMs <= now
      ? "Trying now."
      : `Next try in ${untilText(nextTryMs - now)}.`;
  return (
    <div class="offbar" role="region" aria-label="Offline">
      <span class="box">
        <Icon name="plug" />
        OFFLINE
      </span>
      <span class="says grow">
        <span role="alert">
          {neverReached
            ? "The gateway cannot be reached from here. Nothing is known of the wells: no value, no alarm."
            : `This screen lost the gateway at ${clockText(sinceMs, zone)} (${offsetText(sinceMs, zone)}). Everything below is as it was then.`}
        </span>{" "}
        <span class="only-desk more">{next} Commands and acknowledgements are off.</span>
      </span>
      {!neverReached && <span class="box">Data is {ageText(now - sinceMs)} old</span>}
      <Button onClick={onTry}>Try now</Button>
    </div>
  );
}
