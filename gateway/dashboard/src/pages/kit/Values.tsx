import type { ComponentChildren } from "preact";
import { AnalogBar } from "../../parts/AnalogBar.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { Spark } from "../../parts/Spark.tsx";
import { ValueCard } from "../../parts/ValueCard.tsx";
import { ValueCell } from "../../parts/ValueCell.tsx";
import * as samples from "./samples.ts";

const { TUBING, SPEED, LEVEL } = samples;
const NORMAL = { low: 240, high: 310 };

export function Values() {
  return (
    <Panel title="Values and quality" aside={<small>ValueCell, QualityMark</small>}>
      <Rows
        of={[
          ["GOOD", <ValueCell shown={samples.GOOD} />],
          ["UNCERTAIN", <ValueCell shown={samples.UNCERTAIN} />],
          ["BAD, with a value", <ValueCell shown={samples.BAD_VALUE} reason />],
          ["BAD, no value", <ValueCell shown={samples.BAD} reason />],
          ["STALE", <ValueCell shown={samples.STALE} />],
          ["No reading yet", <ValueCell shown={samples.NONE} />],
          ["Not mapped", <ValueCell shown={samples.UNMAPPED} />],
          ["Manual entry", <ValueCell shown={samples.MANUAL} manual />],
          ["Not in the history", <ValueCell shown={samples.NOT_STORED} />],
          ["A state", <ValueCell shown={samples.RUNNING} />],
          [
            "Narrow columns",
            <div class="row wrap gap4">
              <ValueCell shown={samples.UNCERTAIN} compact />
              <ValueCell shown={samples.STALE} compact />
              <ValueCell shown={samples.BAD_VALUE} compact />
            </div>,
          ],
        ]}
      />
    </Panel>
  );
}

export function Card() {
  return (
    <Panel title="Value on demand" aside={<small>ValueCard: hover, focus or long press</small>}>
      <ValueCard tag={TUBING} shown={samples.GOOD} at={samples.NOW - 788} zone={samples.ZONE} />
    </Panel>
  );
}

export function Bars() {
  const at = (value: number) => samples.shown(TUBING, { value });
  return (
    <Panel title="Analog bar" aside={<small>AnalogBar</small>}>
      <Rows
        of={[
          ["Normal", <AnalogBar tag={TUBING} shown={samples.GOOD} />],
          ["P1 alarm", <AnalogBar tag={TUBING} shown={at(468)} priority={1} />],
          ["P2 alarm", <AnalogBar tag={TUBING} shown={at(418)} priority={2} />],
          [
            "P3 alarm",
            <AnalogBar tag={SPEED} shown={samples.shown(SPEED, { value: 3.6 })} priority={3} />,
          ],
          [
            "With set point",
            <AnalogBar tag={SPEED} shown={samples.shown(SPEED, { value: 8.4 })} setPoint={7} />,
          ],
          ["Beyond its range", <AnalogBar tag={TUBING} shown={at(640)} priority={1} />],
          ["STALE, UNCERTAIN", <AnalogBar tag={TUBING} shown={samples.STALE} />],
          ["BAD", <AnalogBar tag={TUBING} shown={samples.BAD} />],
          [
            "No range known",
            <AnalogBar tag={{ ...LEVEL, low: null, high: null }} shown={samples.MANUAL} />,
          ],
        ]}
      />
    </Panel>
  );
}

export function Sparks() {
  return (
    <Panel title="Trend line" aside={<small>Spark</small>}>
      <Rows
        of={[
          ["Gap, no data", <Spark columns={samples.columns(22, 29, null)} normal={NORMAL} />],
          ["Still silent", <Spark columns={samples.columns(34, 48, null)} normal={NORMAL} />],
          ["BAD in between", <Spark columns={samples.columns(20, 26, 2)} normal={NORMAL} />],
          ["UNCERTAIN", <Spark columns={samples.columns(30, 42, 1)} normal={NORMAL} />],
          ["A spike", <Spark columns={samples.spike()} normal={NORMAL} />],
        ]}
      />
    </Panel>
  );
}

export function Rows({ of }: { of: readonly (readonly [string, ComponentChildren])[] }) {
  return (
    <div class="kk">
      {of.map(([name, drawn]) => (
        <>
          <span class="dim2">{name}</span>
          <div class="row wrap">
            <div class="grow">{drawn}</div>
          </div>
        </>
      ))}
    </div>
  );
}
