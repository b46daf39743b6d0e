import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

export interface ButtonProps {
  children: ComponentChildren;
  onClick?: (event: MouseEvent) => void;
  /** pri: the one thing to do here; quiet: no frame. */
  kind?: "pri" | "plain" | "quiet";
  big?: boolean;
  /** An Icon is all it holds: give a label. */
  icon?: boolean;
  label?: string;
  /** Why it cannot be used now, as a sentence; it stands beside the button. null: it can. */
  off?: string | null;
  /** The reason is already written close by: then it is told to screen readers only. */
  offSaidNearby?: boolean;
  type?: "button" | "submit";
  autofocus?: boolean;
  pressed?: boolean;
  expanded?: boolean;
  class?: string;
}

/** One that is off keeps its place, takes focus and says why; it never just greys out. */
export function Button(props: ButtonProps) {
  const { children, onClick, kind = "plain", off = null, offSaidNearby = false } = props;
  const why = useId();
  const classes = [
    "btn",
    kind === "plain" ? "" : kind,
    props.big && "big",
    props.icon && "icon",
    off !== null && "off",
    props.class,
  ];
  return (
    <>
      <button
        type={props.type ?? "button"}
        class={classes.filter(Boolean).join(" ")}
        aria-label={props.label}
        aria-pressed={props.pressed}
        aria-expanded={props.expanded}
        aria-disabled={off !== null || undefined}
        aria-describedby={off !== null ? why : undefined}
        autofocus={props.autofocus}
        onClick={(event) => {
          if (off === null) onClick?.(event);
          else event.preventDefault();
        }}
      >
        {children}
      </button>
      {off !== null && (
        <span id={why} class={offSaidNearby ? "vh" : "why-off"}>
          {off}
        </span>
      )}
    </>
  );
}
