import { Skeleton } from "../../parts/Skeleton.tsx";

/** The shape of the page, and no numbers. */
export function Loading({ wellId, onRetry }: { wellId: string; onRetry: () => void }) {
  return (
    <>
      <div class="wh">
        <h1>{wellId}</h1>
      </div>
      <div class="well">
        <section class="panel picture loading pad" aria-label="Process picture">
          <Skeleton waitingFor="this well" onRetry={onRetry} lines={[30, 60, 45]} />
        </section>
        <div class="panel pad">
          <Skeleton waitingFor="its key values" lines={[80, 60, 90, 70, 85, 65]} />
        </div>
      </div>
    </>
  );
}
