import type { ComponentChildren } from "preact";
import { useEffect, useId, useRef } from "preact/hooks";

export interface DialogProps {
  title: ComponentChildren;
  /** Escape, the backdrop and Cancel end here. */
  onClose: () => void;
  children: ComponentChildren;
  /** Buttons; the one with autofocus has the focus first, and that is Cancel where something is sent. */
  footer?: ComponentChildren;
  class?: string;
}

/** Modal while it is mounted; the focus goes back to where it was. */
export function Dialog({ title, onClose, children, footer, class: extra }: DialogProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const id = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current?.showModal();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={dialog}
      class={extra === undefined ? "dialog" : `dialog ${extra}`}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onPointerDown={(event) => {
        if (event.target === dialog.current) onClose();
      }}
    >
      <div class="dhead">
        <h2 id={id}>{title}</h2>
      </div>
      <div class="body">{children}</div>
      {footer !== undefined && <div class="dfoot">{footer}</div>}
    </dialog>
  );
}
