import { useLocation } from "preact-iso";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { trendLink, wellLink } from "../model/links.ts";
import { Dialog } from "../parts/Dialog.tsx";
import { Icon } from "../parts/Icon.tsx";
import { sentenceOfError } from "../rest/problem.ts";
import { findable, findableProblem, loadFindable } from "./findable.ts";
import { EVERYWHERE, useKeys } from "./keys.ts";
import { type Found, search } from "./search.ts";

/** Finds wells and tags; "/" opens it. */
export function SearchBox() {
  const [isOpen, setOpen] = useState(false);
  useKeys(EVERYWHERE, [{ key: "/", says: "Find a well or tag", run: () => setOpen(true) }]);
  return (
    <>
      <button
        type="button"
        class="search"
        aria-label="Find a well or tag"
        aria-haspopup="dialog"
        onClick={() => setOpen(true)}
      >
        <Icon name="search" />
        <span class="only-desk">Find a well or tag</span>
        <kbd class="only-desk">/</kbd>
      </button>
      {isOpen && <Finder onClose={() => setOpen(false)} />}
    </>
  );
}

function Finder({ onClose }: { onClose: () => void }) {
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const { route } = useLocation();
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  useEffect(() => void loadFindable(), []);
  const found = search(text, findable.value ?? []);
  const chosen = Math.min(at, found.length - 1);

  useEffect(() => {
    list.current?.children[chosen]?.scrollIntoView({ block: "nearest" });
  }, [chosen]);

  function go(one: Found | undefined) {
    if (one === undefined) return;
    onClose();
    route(hrefOf(one));
  }

  function keys(event: KeyboardEvent) {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by !== 0 && found.length > 0) {
      event.preventDefault();
      setAt((chosen + by + found.length) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      go(found[chosen]);
    }
  }

  return (
    <Dialog title="Find a well or tag" class="finder" onClose={onClose}>
      <input
        class="input"
        type="search"
        autofocus
        autocomplete="off"
        spellcheck={false}
        placeholder="Name, pad, route or tag"
        role="combobox"
        list={undefined}
        aria-expanded={found.length > 0}
        aria-controls={id}
        aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
        aria-label="Find a well or tag"
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={keys}
      />
      <ul class="found" role="listbox" id={id} aria-label="Found" ref={list}>
        {found.map((one, index) => (
          <li key={keyOf(one)} role="option" id={`${id}-${index}`} aria-selected={index === chosen}>
            <a href={hrefOf(one)} tabIndex={-1} onClick={onClose}>
              <Icon name={one.kind === "well" ? "overview" : "trends"} />
              <Words one={one} />
            </a>
          </li>
        ))}
      </ul>
      <small class="dim2" role="status">
        {saying(text, found.length)}
      </small>
    </Dialog>
  );
}

function Words({ one }: { one: Found }) {
  if (one.kind === "well") {
    return (
      <>
        <span class="cut">
          <b>{one.title || one.wellId}</b>{" "}
          {one.title !== "" && one.title !== one.wellId && <small class="dim">{one.wellId}</small>}
        </span>
        <small class="dim">{one.where}</small>
      </>
    );
  }
  return (
    <>
      <span class="cut">
        {one.title} {one.unit !== "" && <small class="dim">{one.unit}</small>}
      </span>
      <small class="dim">{one.wellTitle || one.wellId}</small>
    </>
  );
}

function saying(text: string, number: number): string {
  if (findableProblem.value !== null) return sentenceOfError(findableProblem.value);
  if (findable.value === null) return "Reading the list of wells…";
  if (text.trim() === "")
    return "Wells open their picture, tags their trend. ↑ ↓ choose, Enter opens.";
  if (number === 0) return `Nothing has “${text.trim()}” in its name, pad, route or tags.`;
  return `${number} found`;
}

function hrefOf(one: Found): string {
  return one.kind === "well"
    ? wellLink(one.wellId)
    : trendLink({ pens: [{ wellId: one.wellId, tagName: one.tagName }] });
}

function keyOf(one: Found): string {
  return one.kind === "well" ? one.wellId : `${one.wellId}/${one.tagName}`;
}
