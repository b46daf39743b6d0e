import { useSignal } from "@preact/signals";
import { useLocation } from "preact-iso";
import { useEffect, useRef } from "preact/hooks";
import { zone } from "../../frame/zone.ts";
import { Segment } from "../../parts/Segment.tsx";
import type { Alarm } from "../../rest/types/alarms.ts";
import type { Template } from "../../rest/types/pictures.ts";
import type { WellAnswer } from "../../rest/types/wells.ts";
import { tieCard } from "./card-host.ts";
import { type Bound, bindPicture } from "./picture/bind.ts";
import "./picture/picture.css";
import { safeDrawing } from "./picture/safe-svg.ts";
import { trendOf } from "./trend-link.ts";
import { usePhone } from "../../parts/use-phone.ts";

export interface ProcessPictureProps {
  well: WellAnswer;
  template: Template;
  /** Of this well, to be handled. */
  alarms: readonly Alarm[];
  /** None of its devices is there: all of it is what was, not what is. */
  isAway: boolean;
}

/** The well as its template draws it. Values go into the drawing by themselves. */
export function ProcessPicture({ well, template, alarms, isAway }: ProcessPictureProps) {
  const { route } = useLocation();
  const isPhone = usePhone();
  const views = Object.keys(template.views);
  const view = useSignal(views[0] ?? "");
  const place = useRef<HTMLDivElement>(null);
  const drawn = useRef<{ drawing: SVGSVGElement; whole: string; bound: Bound } | null>(null);
  const isBroken = useSignal(false);

  useEffect(() => {
    const drawing = safeDrawing(template.svg);
    isBroken.value = drawing === null;
    if (drawing === null || place.current === null) return;
    drawing.setAttribute("class", "pic");
    // a group and no image: there are links in it
    drawing.setAttribute("role", "group");
    drawing.setAttribute("aria-label", `${template.title}, process picture of ${well.title || well.wellId}`);
    drawing.querySelector(":scope > title")?.remove(); // it would be a tooltip over everything
    const bound = bindPicture(drawing, template, {
      well,
      zone: () => zone.peek(),
      href: (tag) => trendOf(well, [tag.tagName]),
      go: route,
      tie: tieCard,
    });
    place.current.replaceChildren(drawing);
    drawn.current = { drawing, whole: drawing.getAttribute("viewBox") ?? "", bound };
    return () => {
      bound.stop();
      drawn.current = null;
      drawing.remove();
    };
  }, [well, template]);

  useEffect(() => drawn.current?.bound.alarms(alarms), [alarms, well, template]);
  useEffect(() => void drawn.current?.drawing.classList.toggle("is-away", isAway), [isAway, well, template]);
  useEffect(() => {
    const box = isPhone ? template.views[view.value] : undefined;
    drawn.current?.drawing.setAttribute("viewBox", box === undefined ? drawn.current.whole : box.join(" "));
  }, [isPhone, view.value, well, template]);

  return (
    <section class="panel picture" aria-label="Process picture">
      {isPhone && views.length > 1 && (
        <Segment
          label="Part of the picture"
          options={views.map((name) => ({ value: name, text: name.charAt(0).toUpperCase() + name.slice(1).replaceAll("_", " ") }))}
          value={view.value}
          onChange={(name) => (view.value = name)}
        />
      )}
      <div ref={place} />
      {isBroken.value && <p class="pad">The picture of {template.title} cannot be drawn; all values stand in the table of all tags.</p>}
    </section>
  );
}
