import { RANGES } from "../../model/times.ts";
import { type TrendView } from "../../model/links.ts";
import { Button } from "../../parts/Button.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Segment } from "../../parts/Segment.tsx";
import { YESTERDAY_LONGEST_MS } from "./board.ts";
import { type Span, spanWords } from "./ranges.ts";

export interface RangeBarProps {
  view: TrendView;
  /** What is asked for. */
  span: Span;
  source: string;
  length: (ms: number) => void;
  move: (share: number) => void;
  zoom: (factor: number) => void;
  follow: () => void;
  yesterday: () => void;
  copied: boolean;
  copy: () => void;
  /** Why nothing can be taken away yet; null: it can. */
  off: string | null;
  table: () => void;
  picture: () => void;
}

/** Which time is looked at, and what may be taken away of it. */
export function RangeBar(props: RangeBarProps) {
  const { view, span, off } = props;
  const lengthMs = Math.round(span.toMs - span.fromMs);
  const chosen = RANGES.find((one) => one.ms === (view.liveMs ?? lengthMs))?.key ?? null;
  const tooLong = lengthMs > YESTERDAY_LONGEST_MS;
  return (
    <div class="tbar">
      <Segment
        label="Length of the range"
        options={RANGES.map((one) => ({ value: one.key, text: one.label }))}
        value={chosen}
        onChange={(key) => props.length(RANGES.find((one) => one.key === key)?.ms ?? lengthMs)}
      />
      <div class="seg tnav" role="group" aria-label="Range">
        <button type="button" aria-label="Earlier" title="Earlier" onClick={() => props.move(-0.5)}>
          ‹
        </button>
        <span class="num">{spanWords(span, view.zone)}</span>
        <button
          type="button"
          aria-label="Later"
          title="Later"
          aria-disabled={view.liveMs !== null}
          onClick={() => view.liveMs === null && props.move(0.5)}
        >
          ›
        </button>
        <button type="button" aria-label="Zoom out" title="Zoom out" onClick={() => props.zoom(2)}>
          <Icon name="minus" />
        </button>
        <button type="button" aria-label="Zoom in" title="Zoom in" onClick={() => props.zoom(0.5)}>
          <Icon name="plus" />
        </button>
        <button type="button" aria-pressed={view.liveMs !== null} onClick={props.follow}>
          <span class="only-desk">{view.liveMs === null ? "Follow live" : "Following live"}</span>
          <span class="only-phone">Live</span>
        </button>
      </div>
      <label class="btn tyes" title={tooLong ? "Yesterday is drawn over ranges of up to 7 days" : undefined}>
        <input
          type="checkbox"
          class="chk"
          checked={view.yesterday}
          onChange={props.yesterday}
        />
        Yesterday{view.yesterday && tooLong && <small class="dim"> up to 7 days</small>}
      </label>
      <span class="grow only-desk" />
      {props.source !== "" && <span class="tag tsource">{props.source}</span>}
      <span class="row only-desk">
        <Button onClick={props.copy}>
          <Icon name={props.copied ? "check" : "link"} /> {props.copied ? "Copied" : "Copy link"}
        </Button>
        <Button onClick={props.table} off={off} offSaidNearby>
          <Icon name="download" /> CSV
        </Button>
        <Button onClick={props.picture} off={off} offSaidNearby>
          <Icon name="picture" /> PNG
        </Button>
      </span>
    </div>
  );
}
