import { PRIORITIES, PRIORITY_WORDS } from "../../model/alarms.ts";
import { AlarmShape } from "../../parts/AlarmShape.tsx";
import { Panel } from "../../parts/Panel.tsx";
import { StateMark } from "../../parts/StateMark.tsx";
import { WELL_WORDS, type WellLook, WellMark } from "../../parts/WellMark.tsx";
import { Rows } from "./Values.tsx";

const LOOKS: readonly (readonly [string, WellLook])[] = [
  ["Normal", "normal"],
  ["Down", "down"],
  ["No data", "no-data"],
  ["Bad", "bad"],
  ["Uncertain", "uncertain"],
];

export function Shapes() {
  return (
    <Panel title="Alarms: colour, shape, number" aside={<small>AlarmShape</small>}>
      <div class="shapes">
        <span>Priority</span>
        <span>unack</span>
        <span>ack</span>
        <span>returned</span>
        <span>wall</span>
        {PRIORITIES.map((priority) => (
          <>
            <span>
              {priority} {PRIORITY_WORDS[priority]}
            </span>
            <AlarmShape priority={priority} unacknowledged />
            <AlarmShape priority={priority} />
            <AlarmShape priority={priority} unacknowledged returned />
            <AlarmShape priority={priority} unacknowledged size="l" />
          </>
        ))}
      </div>
    </Panel>
  );
}

export function Wells() {
  return (
    <Panel title="Wells on the field map" aside={<small>WellMark</small>}>
      <Rows
        of={LOOKS.map(([name, look]) => [name, <WellMark key={WELL_WORDS[look]} look={look} />])}
      />
    </Panel>
  );
}

export function States() {
  return (
    <Panel title="States by glyph and word" aside={<small>StateMark</small>}>
      <div class="row wrap gap3">
        <StateMark glyph="attention">UNACK</StateMark>
        <StateMark glyph="check">ACK</StateMark>
        <StateMark glyph="returned">RETURNED</StateMark>
        <StateMark glyph="clock">SHELVED</StateMark>
        <StateMark glyph="blocked">OUT OF SERVICE</StateMark>
        <StateMark glyph="ok">Connected</StateMark>
        <StateMark glyph="cross">Down</StateMark>
        <StateMark glyph="warning">Stalled</StateMark>
        <StateMark glyph="pause">Suspended</StateMark>
        <StateMark glyph="wait">Connecting</StateMark>
        <StateMark glyph="question">Unknown</StateMark>
        <StateMark glyph="sent">Sent</StateMark>
      </div>
    </Panel>
  );
}
