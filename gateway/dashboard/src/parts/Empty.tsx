import type { ComponentChildren } from "preact";

export interface EmptyProps {
  title: string;
  /** What is missing, and how it comes to be there. */
  children: ComponentChildren;
  action?: ComponentChildren;
}

export function Empty({ title, children, action }: EmptyProps) {
  return (
    <div class="empty">
      <b>{title}</b>
      <span class="dim2">{children}</span>
      {action}
    </div>
  );
}
