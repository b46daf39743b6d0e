import type { ComponentChildren } from "preact";
import { live } from "../../live/live.ts";
import { counted, formatNumber } from "../../model/numbers.ts";
import { present } from "../../model/present.ts";
import { AnalogBar } from "../../parts/AnalogBar.tsx";
import { valueClass } from "../../parts/ValueCell.tsx";
import type { OverviewWell } from "../../rest/types/wells.ts";
import type { Figure, Good } from "./figures.ts";
import { useFigures } from "./use-field.ts";

/** Four figures of the field: each says of how many wells it is, and is not there where nothing tells it. */
export function Figures({ wells }: { wells: readonly OverviewWell[] }) {
  const { producing, liquid, gas, good } = useFigures(wells);
  const all = counted(wells.length, "well");
  return (
    <div class="kpis">
      <Card
        title="Producing"
        figure={producing}
        aside={`${producing.down} down · ${producing.unknown} unknown`}
        of={`of ${all}`}
        lacking="No well has run_status among its key tags."
      />
      <Card title="Liquid" figure={liquid} aside={from(liquid, wells)} lacking="No well has its liquid rate among its key tags." />
      <Card title="Gas" figure={gas} aside={from(gas, wells)} lacking="No well has its gas rate among its key tags." />
      <Card
        title="Data GOOD"
        figure={good}
        aside={notGood(good)}
        lacking="No reading yet."
      />
    </div>
  );
}

/** "18 stale · 2 BAD"; what there is none of is left out. */
function notGood({ stale, uncertain, bad }: Good): string {
  const parts = ([[stale, "stale"], [uncertain, "UNCERTAIN"], [bad, "BAD"]] as const)
    .filter(([number]) => number > 0)
    .map(([number, word]) => `${formatNumber(number, 0)} ${word}`);
  return parts.length === 0 ? "every one" : parts.join(" · ");
}

/** Not of all wells: of how many. */
function from(figure: Figure, wells: readonly OverviewWell[]): string {
  return `of ${formatNumber(figure.of, 0)} of ${counted(wells.length, "well")}`;
}

interface CardProps {
  title: string;
  figure: Figure;
  aside: ComponentChildren;
  of?: string;
  lacking: string;
}

function Card({ title, figure, aside, of, lacking }: CardProps) {
  if (figure.value === null) {
    return (
      <div class="kpi">
        <span>{title}</span>
        <div class="big none">–</div>
        <small class="dim2 lacking">
          {figure.all > 0 ? "Not known now: no well tells it over a connection that lives." : lacking}
        </small>
      </div>
    );
  }
  const shown = present(
    { value: figure.value, quality: "GOOD", reason: null, ageMs: 0 },
    figure.tag,
    { connected: true, offline: live().state.value.kind === "offline" },
  );
  return (
    <div class="kpi">
      <span>
        {title}
        <span>{aside}</span>
      </span>
      <div class="big">
        <span class={valueClass(shown)}>{shown.text}</span> <i>{of ?? shown.unit}</i>
        {shown.label !== "" && <span class="vh"> {shown.label}</span>}
      </div>
      <AnalogBar tag={figure.tag} shown={shown} />
    </div>
  );
}
