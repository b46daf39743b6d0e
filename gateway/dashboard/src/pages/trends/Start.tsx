import { tenant } from "../../frame/gateway.ts";
import { live } from "../../live/live.ts";
import { titleOf } from "../../model/attention.ts";
import { type Pen, trendLink } from "../../model/links.ts";
import { Button } from "../../parts/Button.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import { recentTrends } from "./recent.ts";

const WELLS_MOST = 30;

/** Without pens: find a tag, go back to what was looked at, or take a well's key values. */
export function Start({ add }: { add: () => void }) {
  const wells = live().overview.wells.value;
  const recent = recentTrends(tenant.value);
  const shown = (wells ?? []).filter((one) => one.keys.length > 0).slice(0, WELLS_MOST);
  const nameOf = ({ wellId, tagName }: Pen) => {
    const well = wells?.find((one) => one.wellId === wellId);
    return titleOf(well?.keys.find((one) => one.tagName === tagName) ?? { tagName });
  };
  const wellOf = (wellId: string) => wells?.find((one) => one.wellId === wellId)?.title || wellId;
  return (
    <div class="tstart">
      <div class="empty">
        <b>No pens yet</b>
        <span class="dim2">A trend draws up to eight tags of any wells over one time axis.</span>
        <Button kind="pri" onClick={add}>
          <Icon name="search" /> Find tags to draw
        </Button>
      </div>
      {recent.length > 0 && (
        <Panel title="Looked at before" pad={false}>
          <ul class="tlinks">
            {recent.map((pens) => (
              <li key={trendLink({ pens })}>
                <a href={trendLink({ pens })}>
                  <Icon name="clock" />
                  <span>
                    <b>{[...new Set(pens.map((one) => wellOf(one.wellId)))].join(", ")}</b>{" "}
                    <span class="dim2">{pens.map(nameOf).join(" · ")}</span>
                  </span>
                </a>
              </li>
            ))}
          </ul>
        </Panel>
      )}
      <Panel title="Key values of a well" pad={false}>
        {wells === null && (
          <div class="pad">
            <Skeleton waitingFor="the wells of this tenant" />
          </div>
        )}
        <ul class="tlinks">
          {shown.map((well) => (
            <li key={well.wellId}>
              <a href={trendLink({ pens: well.keys.map(({ tagName }) => ({ wellId: well.wellId, tagName })) })}>
                <Icon name="trends" />
                <span>
                  <b class="nm">{well.title || well.wellId}</b>{" "}
                  <span class="dim2">{well.keys.map(titleOf).join(" · ")}</span>
                </span>
              </a>
            </li>
          ))}
        </ul>
      </Panel>
    </div>
  );
}
