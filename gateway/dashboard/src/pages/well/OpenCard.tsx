import { useEffect } from "preact/hooks";
import { zone } from "../../frame/zone.ts";
import { live } from "../../live/live.ts";
import { Floating } from "../../parts/Floating.tsx";
import { useShown } from "../../parts/use-shown.ts";
import { ValueCard } from "../../parts/ValueCard.tsx";
import type { TagFacts } from "../../rest/types/wells.ts";
import { closeCard, keepCard, leaveCard, opened } from "./card-host.ts";

/** The card of the value that is pointed at, if any is. */
export function OpenCard({ wellId }: { wellId: string }) {
  useEffect(() => closeCard, [wellId]);
  const open = opened.value;
  if (open === null) return null;
  return (
    <Floating anchor={open.anchor} onClose={closeCard} onPointerEnter={keepCard} onPointerLeave={leaveCard}>
      <Card key={open.tag.tagName} wellId={wellId} tag={open.tag} />
    </Floating>
  );
}

function Card({ wellId, tag }: { wellId: string; tag: TagFacts }) {
  const shown = useShown(wellId, tag);
  const cell = live().wells.feed(wellId).cells.get(tag.tagName);
  return <ValueCard tag={tag} shown={shown} at={cell?.lastKnown?.tMs ?? cell?.tMs ?? null} zone={zone.value} />;
}
