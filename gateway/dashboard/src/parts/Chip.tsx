import type { ComponentChildren } from "preact";

export interface ChipProps {
  children: ComponentChildren;
  /** How many there are behind it. */
  count?: number;
  chosen?: boolean;
  onClick?: () => void;
  /** Set where choosing goes to another address. */
  href?: string;
}

export function Chip({ children, count, chosen = false, onClick, href }: ChipProps) {
  const inside = (
    <>
      {children}
      {count !== undefined && <b>{count.toLocaleString("en-US")}</b>}
    </>
  );
  if (href !== undefined) {
    return (
      <a class="chip" href={href} aria-current={chosen ? "true" : undefined} onClick={onClick}>
        {inside}
      </a>
    );
  }
  return (
    <button type="button" class="chip" aria-pressed={chosen} onClick={onClick}>
      {inside}
    </button>
  );
}
