import { LIMIT_WORDS, sortedLimits } from "../model/limits.ts";
import { type Presented, valueText } from "../model/present.ts";
import { reasonWords } from "../model/quality.ts";
import { fullText } from "../model/times.ts";
import type { TagFacts } from "../rest/types/wells.ts";
import { QualityMark } from "./QualityMark.tsx";
import { ValueCell } from "./ValueCell.tsx";

export interface ValueCardProps {
  tag: TagFacts;
  shown: Presented;
  /** Source time [epoch ms]; null: no reading yet. */
  at: number | null;
  zone: string;
}

/** All that is known of one value: the content of a Floating beside it. */
export function ValueCard({ tag, shown, at, zone }: ValueCardProps) {
  const limits = sortedLimits(tag.limits).map(
    (one) => `${LIMIT_WORDS[one.condition]} ${valueText(one.limit, tag)}`,
  );
  const reason = reasonWords(shown.reason);
  return (
    <div class="card">
      <div class="row between">
        <b>{tag.title || tag.tagName}</b>
        <ValueCell shown={{ ...shown, notes: [] }} compact />
      </div>
      <dl class="dl">
        <dt>Quality</dt>
        <dd>
          {shown.mark === "good" ? "GOOD" : <QualityMark mark={shown.mark} label={shown.label} />}
          {reason !== "" && ` ${reason}`}
          {shown.notes.length > 0 && ` · ${shown.notes.join(" · ")}`}
        </dd>
        <dt>Source time</dt>
        <dd>{at === null ? "no reading yet" : `${fullText(at, zone, 3)}, ${shown.age} old`}</dd>
        {limits.length > 0 && (
          <>
            <dt>Limits</dt>
            <dd>{limits.join(" · ")}</dd>
          </>
        )}
        <dt>From</dt>
        <dd>
          <a class="link" href={`/connections?id=${encodeURIComponent(tag.connectionId)}`}>
            {tag.connectionId}
          </a>
          {tag.address !== "" && `, ${tag.address}`}
          {tag.intervalS !== null && `, each ${tag.intervalS} s`}
        </dd>
      </dl>
    </div>
  );
}
