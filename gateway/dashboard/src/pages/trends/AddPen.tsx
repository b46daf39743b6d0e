import { useEffect, useId, useRef, useState } from "preact/hooks";
import { findable, findableProblem, loadFindable } from "../../frame/findable.ts";
import { type Findable, search } from "../../frame/search.ts";
import { type Pen, PENS_MAX } from "../../model/links.ts";
import { Dialog } from "../../parts/Dialog.tsx";
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
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  useEffect(() => void loadFindable(), []);
  const found = choices(text, findable.value ?? [], pens);
  const chosen = Math.min(at, found.length - 1);
  const isFull = pens.length >= PENS_MAX;

  useEffect(() => list.current?.children[chosen]?.scrollIntoView({ block: "nearest" }), [chosen]);

  function take(one: Choice | undefined) {
    if (one === undefined || isFull) return;
    add({ wellId: one.wellId, tagName: one.tagName });
  }

  function keys(event: KeyboardEvent) {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by !== 0 && found.length > 0) {
      event.preventDefault();
      setAt((chosen + by + found.length) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      take(found[chosen]);
    }
  }

  return (
    <Dialog title="Add a pen" class="finder" onClose={onClose} footer={<Button onClick={onClose}>Done</Button>}>
      <input
        class="input"
        type="search"
        autofocus
        autocomplete="off"
        spellcheck={false}
        placeholder="Well, pad or tag"
        list={undefined}
        role="combobox"
        aria-expanded={found.length > 0}
        aria-controls={id}
        aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
        aria-label="Find a tag to draw"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={keys}
      />
      <ul class="found" role="listbox" id={id} aria-label="Tags found" ref={list}>
        {found.map((one, index) => (
          <li key={`${one.wellId}/${one.tagName}`} role="option" id={`${id}-${index}`} aria-selected={index === chosen}>
            <a role="presentation" onClick={() => take(one)}>
              <Icon name="plus" />
              <span class="cut">
                {one.title} {one.unit !== "" && <small class="dim">{one.unit}</small>}
              </span>
              <small class="dim">{one.wellTitle}</small>
            </a>
          </li>
        ))}
      </ul>
      <small class="dim2" role="status">
        {saying(text, found.length, pens.length)}
      </small>
    </Dialog>
  );
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
