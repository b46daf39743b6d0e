import { useLocation } from "preact-iso";
import { useState } from "preact/hooks";
import { trendLink, wellLink } from "../model/links.ts";
import { Icon } from "../parts/Icon.tsx";
import { sentenceOfError } from "../rest/problem.ts";
import { Finder } from "./Finder.tsx";
import { findable, findableProblem } from "./findable.ts";
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
      {isOpen && <WellsAndTags onClose={() => setOpen(false)} />}
    </>
  );
}

function WellsAndTags({ onClose }: { onClose: () => void }) {
  const { route } = useLocation();
  return (
    <Finder
      title="Find a well or tag"
      label="Find a well or tag"
      listLabel="Found"
      placeholder="Name, pad, route or tag"
      find={(text) => search(text, findable.value ?? [])}
      says={saying}
      keyOf={keyOf}
      row={(one) => (
        <a href={hrefOf(one)} tabIndex={-1} onClick={onClose}>
          <Icon name={one.kind === "well" ? "overview" : "trends"} />
          <Words one={one} />
        </a>
      )}
      onTake={(one) => {
        onClose();
        route(hrefOf(one));
      }}
      onClose={onClose}
    />
  );
}

function Words({ one }: { one: Found }) {
  if (one.kind === "well") {
    return (
      <>
        <span class="cut">
          <b class="nm">{one.title || one.wellId}</b>{" "}
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
