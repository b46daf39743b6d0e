import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Dialog } from "../parts/Dialog.tsx";
import { loadFindable } from "./findable.ts";

export interface FinderProps<T> {
  title: string;
  /** Name of the field, and of the list below it. */
  label: string;
  listLabel: string;
  placeholder: string;
  /** What a text finds, the best first. */
  find: (text: string) => readonly T[];
  /** The line below the list. number: of those found. */
  says: (text: string, number: number) => string;
  keyOf: (one: T) => string;
  row: (one: T) => ComponentChildren;
  /** Enter, on the chosen one. */
  onTake: (one: T) => void;
  onClose: () => void;
  footer?: ComponentChildren;
}

/** A dialog with a field and what is found for it: arrows choose, Enter takes. */
export function Finder<T>(props: FinderProps<T>) {
  const { title, label, listLabel, placeholder, find, says, keyOf, row, onTake, onClose, footer } = props;
  const [text, setText] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef<HTMLUListElement>(null);
  const id = useId();
  useEffect(() => void loadFindable(), []);
  const found = find(text);
  const chosen = Math.min(at, found.length - 1);

  useEffect(() => list.current?.children[chosen]?.scrollIntoView({ block: "nearest" }), [chosen]);

  function keys(event: KeyboardEvent) {
    const by = event.key === "ArrowDown" ? 1 : event.key === "ArrowUp" ? -1 : 0;
    if (by !== 0 && found.length > 0) {
      event.preventDefault();
      setAt((chosen + by + found.length) % found.length);
    } else if (event.key === "Enter") {
      event.preventDefault();
      const one = found[chosen];
      if (one !== undefined) onTake(one);
    }
  }

  return (
    <Dialog title={title} class="finder" onClose={onClose} footer={footer}>
      <input
        class="input"
        type="search"
        autofocus
        autocomplete="off"
        spellcheck={false}
        placeholder={placeholder}
        role="combobox"
        list={undefined}
        aria-expanded={found.length > 0}
        aria-controls={id}
        aria-activedescendant={found.length > 0 ? `${id}-${chosen}` : undefined}
        aria-label={label}
        value={text}
        onInput={(event) => {
          setText(event.currentTarget.value);
          setAt(0);
        }}
        onKeyDown={keys}
      />
      <ul class="found" role="listbox" id={id} aria-label={listLabel} ref={list}>
        {found.map((one, index) => (
          <li key={keyOf(one)} role="option" id={`${id}-${index}`} aria-selected={index === chosen}>
            {row(one)}
          </li>
        ))}
      </ul>
      <small class="dim2" role="status">
        {says(text, found.length)}
      </small>
    </Dialog>
  );
}
