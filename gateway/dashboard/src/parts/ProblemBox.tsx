import { useRef } from "preact/hooks";
import { zone } from "../frame/zone.ts";
import { serverNow } from "../live/clock.ts";
import { clockText, offsetText } from "../model/times.ts";
import { ProblemError, sentenceOfError } from "../rest/problem.ts";
import { Button } from "./Button.tsx";

export interface ProblemBoxProps {
  /** What failed: "Trend could not be loaded". */
  title: string;
  error: unknown;
  onRetry?: () => void;
  /** What still works: "Live values are not affected." */
  besides?: string;
  /** When it failed [epoch ms]; by itself when it is first drawn. */
  at?: number;
}

export function ProblemBox({ title, error, onRetry, besides, at }: ProblemBoxProps) {
  const first = useRef(serverNow());
  const when = at ?? first.current;
  const code = error instanceof ProblemError && error.code !== "" ? error.code : null;
  return (
    <div class="empty problem" role="alert">
      <b>{title}</b>
      <span class="dim2">
        {sentenceOfError(error)}
        {besides !== undefined && ` ${besides}`}
      </span>
      <small class="dim">
        {code !== null && (
          <>
            problem <span class="mono">{code.toLowerCase().replaceAll("_", "-")}</span> ·{" "}
          </>
        )}
        {clockText(when, zone.value)} {offsetText(when, zone.value)}
      </small>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}
