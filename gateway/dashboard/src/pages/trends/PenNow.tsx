import { useShown } from "../../parts/use-shown.ts";
import { ValueCell } from "../../parts/ValueCell.tsx";
import type { TagFacts } from "../../rest/types/wells.ts";

/** The newest value and its age, whatever the range is. */
export function PenNow({ wellId, tag }: { wellId: string; tag: TagFacts }) {
  const shown = useShown(wellId, tag);
  return (
    <>
      <span role="cell" class="num x pnow" data-says="Now">
        <ValueCell shown={shown} compact />
      </span>
      <span role="cell" class="num x dim page" data-says="Age">
        {shown.age || "–"}
      </span>
    </>
  );
}
