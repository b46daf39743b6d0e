import type { ComponentChildren } from "preact";
import { useRef } from "preact/hooks";

export interface SegmentProps<V extends string> {
  label: string;
  options: readonly { value: V; text: ComponentChildren; label?: string }[];
  value: V | null;
  onChange: (value: V) => void;
}

/** One of a few; arrow keys choose, as in any group of radio buttons. */
export function Segment<V extends string>({ label, options, value, onChange }: SegmentProps<V>) {
  const group = useRef<HTMLDivElement>(null);
  const chosen = Math.max(
    0,
    options.findIndex((option) => option.value === value),
  );

  function move(event: KeyboardEvent) {
    const by = STEPS[event.key];
    if (by === undefined) return;
    event.preventDefault();
    const index = (chosen + by + options.length) % options.length;
    const option = options[index];
    if (option === undefined) return;
    onChange(option.value);
    group.current?.querySelectorAll<HTMLElement>("[role=radio]")[index]?.focus();
  }

  return (
    <div class="seg" role="radiogroup" aria-label={label} ref={group} onKeyDown={move}>
      {options.map((option, index) => (
        <button
          key={option.value}
          type="button"
          role="radio"
          aria-checked={option.value === value}
          aria-label={option.label}
          tabIndex={index === chosen ? 0 : -1}
          onClick={() => onChange(option.value)}
        >
          {option.text}
        </button>
      ))}
    </div>
  );
}

const STEPS: Record<string, number> = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };
