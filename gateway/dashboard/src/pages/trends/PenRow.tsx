import { titleOf } from "../../model/attention.ts";
import { type Pen, penText, wellLink } from "../../model/links.ts";
import { sentenceOfError } from "../../rest/problem.ts";
import { Button } from "../../parts/Button.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { ValueCell } from "../../parts/ValueCell.tsx";
import type { Board } from "./board.ts";
import { summaryWords, valueAt } from "./cursor-values.ts";
import { PenNow } from "./PenNow.tsx";
import { lookOf } from "./pens.ts";

export interface PenRowProps {
  board: Board;
  pen: Pen;
  index: number;
  remove: () => void;
}

/** One pen; what is wrong with it stands in its own row. */
export function PenRow({ board, pen, index, remove }: PenRowProps) {
  const frame = board.frame.value;
  const known = frame?.pens.find((one) => one.key === penText(pen));
  const well = frame?.wells.get(pen.wellId);
  const name = `${known?.wellTitle ?? pen.wellId} ${known?.title ?? titleOf(pen)}`;
  const look = lookOf(index);
  const atMs = board.cursorMs.value;
  const at = frame == null || known === undefined || atMs === null ? null : valueAt(frame, known, atMs);
  const summary = frame == null || known === undefined ? null : summaryWords(frame, known);
  const wrong =
    well === undefined
      ? null
      : well.error !== null
        ? sentenceOfError(well.error)
        : known?.tag === null
          ? `This well has no tag ${pen.tagName}.`
          : null;
  return (
    <div class="tr pens" role="row">
      <span role="cell">
        <svg class="swatch" viewBox="0 0 36 12" aria-hidden="true">
          <path class={`hue${look.hue}`} stroke-dasharray={look.dash.join(" ") || undefined} d="M1 6H35" />
        </svg>
        <span class="vh">Pen {index + 1}</span>
      </span>
      <span role="cell" class="pname">
        <a class="cut" href={wellLink(pen.wellId)} title={name}>
          <b>{known?.wellTitle ?? pen.wellId}</b> {known?.title ?? titleOf(pen)}
        </a>
        {wrong !== null && (
          <small class="pwrong" role="alert">
            {wrong}{" "}
            <button type="button" class="link" onClick={() => board.again()}>
              Try again
            </button>
          </small>
        )}
      </span>
      <span role="cell" class="num pat" title={at?.about}>
        {at === null ? <span class="dim">–</span> : at.shown === null ? <span class="dim2">no reading</span> : <ValueCell shown={at.shown} compact />}
      </span>
      <span role="cell" class="num x" data-says="Min">
        {summary?.min ?? "–"}
      </span>
      <span role="cell" class="num x" data-says="Mean, GOOD">
        {summary?.mean ?? "–"}
      </span>
      <span role="cell" class="num x" data-says="Max">
        {summary?.max ?? "–"}
      </span>
      {known?.tag != null ? (
        <PenNow wellId={pen.wellId} tag={known.tag} />
      ) : (
        <>
          <span role="cell" class="num x" data-says="Now">
            –
          </span>
          <span role="cell" class="num x dim page" data-says="Age">
            –
          </span>
        </>
      )}
      <span role="cell" class="x pshare" data-says="In view" title={summary?.about}>
        {summary?.share ?? "–"}
      </span>
      <span role="cell" class="premove">
        <Button kind="quiet" icon label={`Remove ${name}`} onClick={remove}>
          <Icon name="close" />
        </Button>
      </span>
    </div>
  );
}
