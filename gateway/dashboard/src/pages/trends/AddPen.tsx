import { Finder } from "../../frame/Finder.tsx";
import { findable, findableProblem } from "../../frame/findable.ts";
import { type Findable, search } from "../../frame/search.ts";
import { type Pen, PENS_MAX } from "../../model/links.ts";
import { Button } from "../../parts/Button.tsx";
import { Icon } from "../../parts/Icon.tsx";
import { sentenceOfError } from "../../rest/problem.ts";

export interface AddPenProps {
  pens: readonly Pen[];
  add: (pen: Pen) => void;
  onClose: () => void;
}

interface Choice extends Pen {
  wellTitle: string;
  title: string;
  unit: string;
}

const SHOWN_MOST = 40;

/** Finds tags by a few letters of well or tag; a well that is found offers all of its tags. */
export function AddPen({ pens, add, onClose }: AddPenProps) {
  return (
    <Finder
      title="Add a pen"
      label="Find a tag to draw"
      listLabel="Tags found"
      placeholder="Well, pad or tag"
      find={(text) => choices(text, findable.value ?? [], pens)}
      says={(text, number) => saying(text, number, pens.length)}
      keyOf={(one) => `${one.wellId}/${one.tagName}`}
      row={(one) => (
        <a role="presentation" onClick={() => take(one)}>
          <Icon name="plus" />
          <span class="cut">
            {one.title} {one.unit !== "" && <small class="dim">{one.unit}</small>}
          </span>
          <small class="dim">{one.wellTitle}</small>
        </a>
      )}
      onTake={take}
      onClose={onClose}
      footer={<Button onClick={onClose}>Done</Button>}
    />
  );

  function take({ wellId, tagName }: Choice) {
    if (pens.length < PENS_MAX) add({ wellId, tagName });
  }
}

/** Tags that are not drawn yet; without a word, those of the wells that are. */
function choices(text: string, wells: readonly Findable[], pens: readonly Pen[]): Choice[] {
  const drawn = new Set(pens.map((one) => `${one.wellId}/${one.tagName}`));
  const found: Choice[] = [];
  const put = (well: Findable, tags: Findable["tags"]) => {
    for (const tag of tags) {
      const key = `${well.wellId}/${tag.tagName}`;
      if (drawn.has(key)) continue;
      drawn.add(key);
      found.push({ wellId: well.wellId, wellTitle: well.title || well.wellId, ...tag });
    }
  };
  const byId = new Map(wells.map((one) => [one.wellId, one]));
  if (text.trim() === "") {
    for (const wellId of new Set(pens.map((one) => one.wellId))) {
      const well = byId.get(wellId);
      if (well !== undefined) put(well, well.tags);
    }
  }
  for (const one of search(text, wells)) {
    const well = byId.get(one.wellId);
    if (well === undefined) continue;
    put(well, one.kind === "well" ? well.tags : well.tags.filter((tag) => tag.tagName === one.tagName));
  }
  return found.slice(0, SHOWN_MOST);
}

function saying(text: string, number: number, pens: number): string {
  if (pens >= PENS_MAX) return `${PENS_MAX} pens are drawn, and there is no room for more: remove one first.`;
  if (findableProblem.value !== null) return sentenceOfError(findableProblem.value);
  if (findable.value === null) return "Reading the list of wells…";
  if (number === 0 && text.trim() !== "") return `Nothing has “${text.trim()}” in its name, pad, route or tags.`;
  return `${pens} of ${PENS_MAX} pens. ↑ ↓ choose, Enter adds.`;
}
