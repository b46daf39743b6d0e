import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface PanelProps {
  title: ComponentChildren;
  children: ComponentChildren;
  /** At the right end of its head. */
  aside?: ComponentChildren;
  /** Space around the content; off for tables, which reach the edge. */
  pad?: boolean;
  class?: string;
}

export function Panel({ title, children, aside, pad = true, class: extra }: PanelProps) {
  const id = useId();
  return (
    <section class={extra === undefined ? "panel" : `panel ${extra}`} aria-labelledby={id}>
      <header>
        <h2 id={id}>{title}</h2>
        {aside !== undefined && <span class="r dim">{aside}</span>}
      </header>
      {pad ? <div class="pad">{children}</div> : children}
    </section>
  );
}
