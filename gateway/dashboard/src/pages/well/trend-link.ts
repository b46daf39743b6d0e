// Links from a well to trends of its tags.

import { PENS_MAX, trendLink } from "../../model/links.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";

/** The last 8 hours of some tags of a well, live. */
export function trendOf(well: Pick<WellAnswer, "wellId">, tagNames: readonly string[]): string {
  return trendLink({ pens: tagNames.slice(0, PENS_MAX).map((tagName) => ({ wellId: well.wellId, tagName })) });
}
