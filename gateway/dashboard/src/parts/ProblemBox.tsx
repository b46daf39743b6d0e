import { useRef } from "preact/hooks";
import { ProblemError, sentenceOfError } from "../rest/problem.ts";
import { Button } from "./Button.tsx";

export interface ProblemBoxProps {
  /** What failed: "Trend could not be loaded". */
  title: string;
  error: unknown;
  onRetry?: () => void;
  /** What still works: "Live values are not affected." */
  besides?: string;
}

export function ProblemBox({ title, error, onRetry, besides }: ProblemBoxProps) {
  const at = useRef(new Date());
  const code = error instanceof ProblemError && error.code !== "" ? error.code : null;
  return (
    <div class="empty problem" role="alert">
      <b>{title}</b>
      <span class="dim2">
        {sentenceOfError(error)} (
        {code !== null && (
          <>
            problem <span class="mono">{code.toLowerCase().replaceAll("_", "-")}</span>,{" "}
          </>
        )}
        {at.current.toLocaleTimeString("en-GB")}){besides !== undefined && ` ${besides}`}
      </span>
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}
