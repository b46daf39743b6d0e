import { useEffect, useState } from "preact/hooks";
import { Button } from "./Button.tsx";

const EXPLAIN_AFTER_MS = 5_000;

export interface SkeletonProps {
  /** What is waited for: "the wells of this tenant". */
  waitingFor: string;
  onRetry?: () => void;
  /** Widths of the lines [%]. */
  lines?: readonly number[];
}

/** Only shapes, never old numbers; after 5 s it says what it waits for. */
export function Skeleton({ waitingFor, onRetry, lines = [70, 92, 55] }: SkeletonProps) {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), EXPLAIN_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return (
    <div class="col gap3" aria-busy="true">
      <span class="vh">Loading {waitingFor}</span>
      {lines.map((width, index) => (
        <div key={index} class="skel" style={{ width: `${width}%` }} />
      ))}
      {late && (
        <div class="row wrap" role="status">
          <small class="dim2">Still waiting for {waitingFor}.</small>
          {onRetry && <Button onClick={onRetry}>Try again</Button>}
        </div>
      )}
    </div>
  );
}
