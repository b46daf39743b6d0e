import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { ageText, fullText, msOrNull } from "../../model/times.ts";

/** How long ago, counting: it alone is drawn again each second. */
export function Ago({ at }: { at: string | null }) {
  const ms = msOrNull(at);
  if (ms === null) return <>–</>;
  return (
    <time class="nowrap" dateTime={at ?? ""} title={fullText(ms, zone.value)}>
      {ageText(nowMs.value - ms)}
    </time>
  );
}
