import { nowMs } from "../../frame/now.ts";
import { zone } from "../../frame/zone.ts";
import { wellLink } from "../../model/links.ts";
import { whenText } from "../../model/times.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { useHappened } from "./use-happened.ts";

const SHOWN = 4;
const A_PAGE = 20;

/** The newest of what happened, in one line. */
export function LastEvents({ well }: { well: WellAnswer }) {
  const { items, isLoaded, error } = useHappened(well, A_PAGE);
  return (
    <section class="panel lastly" aria-labelledby="last-events">
      <h2 id="last-events">
        <a href={wellLink(well.wellId, "events")}>Last events</a>
      </h2>
      {!isLoaded && <span class="dim">{error === null ? "They are being read…" : "They could not be loaded."}</span>}
      {isLoaded && items.length === 0 && <span class="dim">None yet.</span>}
      {items.slice(0, SHOWN).map((one) => (
        <span key={one.key}>
          <small class="dim">{whenText(one.atMs, nowMs.value, zone.value)}</small> {one.what}
          {one.detail !== "" && `, ${one.detail}`}
          {one.kind === "command" && `, ${one.who}`}
        </span>
      ))}
    </section>
  );
}
