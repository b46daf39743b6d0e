import { useMemo, useState } from "preact/hooks";
import { announce } from "../../frame/announce.ts";
import { tenant } from "../../frame/gateway.ts";
import { useKeys } from "../../frame/keys.ts";
import { useTitle } from "../../frame/title.ts";
import { type Pen, penText, trendLink } from "../../model/links.ts";
import { Button } from "../../parts/Button.tsx";
import { Empty } from "../../parts/Empty.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { Skeleton } from "../../parts/Skeleton.tsx";
import { AddPen } from "./AddPen.tsx";
import { copyText } from "./copy-text.ts";
import { csvOf } from "./csv.ts";
import { LinkDialog } from "./LinkDialog.tsx";
import { PenDrop } from "./PenDrop.tsx";
import { PenTable } from "./PenTable.tsx";
import { fileName, pictureOf, save } from "./picture.ts";
import { Plot } from "./Plot.tsx";
import { RangeBar } from "./RangeBar.tsx";
import { spanWords } from "./ranges.ts";
import { Start } from "./Start.tsx";
import type { TrendLaneProps } from "./TrendLane.tsx";
import "./trends.css";
import { useTrend } from "./use-trend.ts";
import { sourceWords } from "./words.ts";

const COPIED_MS = 3_000;

/** What happened: any tags over one time axis, with every gap and every doubt drawn. */
export default function Trends() {
  useTitle("Trends");
  const trend = useTrend();
  const { board, view, change } = trend;
  const charts: TrendLaneProps["charts"] = useMemo(() => new Map(), []);
  const [isAdding, setAdding] = useState(false);
  const [copied, setCopied] = useState(false);
  const [link, setLink] = useState<string | null>(null);
  const frame = board.frame.value;
  const isLoading = board.isLoading.value || frame === null;
  const asked = frame !== null && !isLoading ? frame.span : board.spanOf(view);
  const answers = frame === null ? [] : [...frame.wells.values()].map((one) => one.answer);
  const source = sourceWords(answers, frame?.seamMs != null);
  const off = isLoading ? "The readings are still on their way." : null;

  const step = (pixels: number) => () => {
    const span = board.frame.peek()?.span;
    if (span === undefined) return;
    const atMs = board.cursorMs.peek() ?? span.toMs;
    const byMs = (pixels * (span.toMs - span.fromMs)) / board.widthPx;
    board.cursorMs.value = Math.min(Math.max(atMs + byMs, span.fromMs), span.toMs);
  };
  const yesterday = () => change({ yesterday: !view.yesterday });
  useKeys("Trends", [
    { key: "ArrowLeft", says: "Cursor a pixel back", run: step(-1) },
    { key: "ArrowRight", says: "Cursor a pixel on", run: step(1) },
    { key: "Shift+ArrowLeft", says: "Cursor ten pixels back", run: step(-10) },
    { key: "Shift+ArrowRight", says: "Cursor ten pixels on", run: step(10) },
    { key: "Escape", says: "No cursor", run: () => (board.cursorMs.value = null) },
    { key: "+", says: "Zoom in", run: () => trend.zoom(0.5) },
    { key: "-", says: "Zoom out", run: () => trend.zoom(2) },
    { key: "l", says: "Follow live", run: trend.follow },
    { key: "y", says: "Yesterday beneath", run: yesterday },
    { key: "Backspace", says: "The range before", run: trend.back },
  ]);

  const add = (more: readonly Pen[]) => change({ pens: [...view.pens, ...more] });
  const remove = (pen: Pen) => change({ pens: view.pens.filter((one) => penText(one) !== penText(pen)) });
  const copy = async () => {
    const span = frame?.span ?? asked;
    const text = new URL(trendLink({ ...view, ...span, liveMs: null }), location.href).href;
    if (!(await copyText(text))) return setLink(text);
    setCopied(true);
    announce(`Link copied: ${spanWords(span, view.zone)}`);
    setTimeout(() => setCopied(false), COPIED_MS);
  };
  const table = () => frame !== null && save(fileName(frame, "csv"), new Blob([csvOf(frame)], { type: "text/csv" }));
  const picture = async () => {
    const blob = frame === null ? null : await pictureOf(frame, charts, { tenant: tenant.value, source });
    if (frame !== null && blob !== null) save(fileName(frame, "png"), blob);
  };
  const dialogs = (
    <>
      {isAdding && <AddPen pens={view.pens} add={(pen) => add([pen])} onClose={() => setAdding(false)} />}
      {link !== null && <LinkDialog link={link} onClose={() => setLink(null)} />}
    </>
  );

  if (view.pens.length === 0) {
    return (
      <>
        <h1 class="vh">Trends</h1>
        <PenDrop pens={view.pens} add={add}>
          <Start add={() => setAdding(true)} />
        </PenDrop>
        {dialogs}
      </>
    );
  }
  return (
    <>
      <h1 class="vh">Trends</h1>
      <RangeBar {...trend} span={asked} source={source} yesterday={yesterday} copied={copied} copy={copy} off={off} table={table} picture={picture} />
      <PenDrop pens={view.pens} add={add}>
        <section class="panel tpanel" aria-label="Plot">
          {frame === null ? (
            <div class="tfirst">
              <Skeleton waitingFor={`the readings of ${spanWords(asked, view.zone)}`} onRetry={() => board.again()} />
            </div>
          ) : frame.lanes.length === 0 ? (
            <div class="tfirst">
              <Empty title="Nothing to draw" action={<Button onClick={() => board.again()}>Try again</Button>}>
                Why stands beside each pen below.
              </Empty>
            </div>
          ) : (
            <Plot board={board} frame={frame} coming={isLoading ? spanWords(board.spanOf(view), view.zone) : null} charts={charts} go={trend.go} back={trend.back} />
          )}
        </section>
        <PenTable
          board={board}
          pens={view.pens}
          remove={remove}
          foot={
            <div class="foot">
              <span class="grow">
                <Button kind="quiet" onClick={() => setAdding(true)}>
                  <b>+ Add pen</b> <span class="dim">Find a well or tag, or drop a link of a value here</span>
                </Button>
              </span>
              <span>
                <kbd>←</kbd> <kbd>→</kbd> cursor
              </span>
              <span>
                <kbd>+</kbd> <kbd>−</kbd> zoom
              </span>
              <span>
                <kbd>L</kbd> live
              </span>
              <span>
                <kbd>Y</kbd> yesterday
              </span>
            </div>
          }
        />
      </PenDrop>
      <div class="only-phone row tacts">
        <Button class="grow" onClick={table} off={off} offSaidNearby>
          <Icon name="download" /> CSV
        </Button>
        <Button class="grow" onClick={picture} off={off} offSaidNearby>
          <Icon name="picture" /> PNG
        </Button>
        <Button class="grow" onClick={copy}>
          <Icon name={copied ? "check" : "link"} /> {copied ? "Copied" : "Link"}
        </Button>
        <Button class="grow" onClick={() => setAdding(true)}>
          + Pen
        </Button>
      </div>
      {dialogs}
    </>
  );
}
