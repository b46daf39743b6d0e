import { ageText, fullText } from "../model/times.ts";

export interface AgeProps {
  /** The moment it counts from [epoch ms]; null: never. */
  at: number | null;
  /** The gateway's now [epoch ms]. */
  now: number;
  zone: string;
  /** "ago", "old": said after it. */
  after?: string;
}

/** How long ago, with the moment itself in its title. */
export function Age({ at, now, zone, after }: AgeProps) {
  if (at === null) return <span class="dim">never</span>;
  return (
    <time class="nowrap" dateTime={new Date(at).toISOString()} title={fullText(at, zone)}>
      {ageText(now - at)}
      {after !== undefined && ` ${after}`}
    </time>
  );
}
