import { ageText, lagText } from "../model/times.ts";

export type LiveKind = "connecting" | "live" | "catching-up" | "slow" | "offline" | "signed-out";

const WORDS: Record<LiveKind, string> = {
  connecting: "Connecting",
  live: "Live",
  "catching-up": "Catching up",
  slow: "Slow",
  offline: "Offline",
  "signed-out": "Signed out",
};

const MEANINGS: Record<LiveKind, string> = {
  connecting: "The gateway is being reached.",
  live: "Readings arrive as they are made.",
  "catching-up": "Messages were lost on the way; what is missing is being read from the store.",
  slow: "This screen cannot keep up: only the newest value of each tag is sent.",
  offline: "The gateway is lost; everything is as it was then.",
  "signed-out": "The sign-in has ended.",
};

export interface LiveStateProps {
  kind: LiveKind;
  /** Behind the newest reading [ms]; null: none yet. */
  lagMs: number | null;
  /** How long offline [ms]. */
  awayMs: number;
}

export function LiveState({ kind, lagMs, awayMs }: LiveStateProps) {
  const more =
    kind === "offline" ? ageText(awayMs) : lagMs === null ? "" : `${lagText(lagMs)} behind`;
  return (
    <div class={`live ${kind === "live" ? "live-now" : kind}`} title={MEANINGS[kind]}>
      <span class="pulse" />
      <span role="status">{WORDS[kind]}</span>
      {more !== "" && <span class="dt">{more}</span>}
    </div>
  );
}
