import type { ComponentChildren } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

const GAP_PX = 8;

export interface FloatingProps {
  /** What it belongs to; it stays beside it. */
  anchor: Element;
  children: ComponentChildren;
  /** Escape, and a press elsewhere. */
  onClose: () => void;
  id?: string;
  onPointerEnter?: () => void;
  onPointerLeave?: () => void;
}

/** Beside its anchor and within the window, above all; it takes no focus. */
export function Floating({
  anchor,
  children,
  onClose,
  id,
  onPointerEnter,
  onPointerLeave,
}: FloatingProps) {
  const box = useRef<HTMLDivElement>(null);

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return;
    const place = () => {
      const at = anchor.getBoundingClientRect();
      const { width, height } = element.getBoundingClientRect();
      const room = {
        w: document.documentElement.clientWidth,
        h: document.documentElement.clientHeight,
      };
      const below = at.bottom + GAP_PX + height <= room.h || at.top < height + GAP_PX;
      const top = below ? at.bottom + GAP_PX : at.top - GAP_PX - height;
      const left = at.left + at.width / 2 - width / 2;
      element.style.top = `${clamp(top, GAP_PX, room.h - height - GAP_PX)}px`;
      element.style.left = `${clamp(left, GAP_PX, room.w - width - GAP_PX)}px`;
    };
    place();
    addEventListener("resize", place);
    addEventListener("scroll", place, { capture: true, passive: true });
    return () => {
      removeEventListener("resize", place);
      removeEventListener("scroll", place, { capture: true });
    };
  });

  // before it is painted: whoever sees it can close it
  useLayoutEffect(() => {
    const keys = (event: KeyboardEvent) => {
      if (event.key === "Escape") onClose();
    };
    const presses = (event: PointerEvent) => {
      const target = event.target as Node;
      if (!box.current?.contains(target) && !anchor.contains(target)) onClose();
    };
    addEventListener("keydown", keys);
    addEventListener("pointerdown", presses);
    return () => {
      removeEventListener("keydown", keys);
      removeEventListener("pointerdown", presses);
    };
  }, [anchor, onClose]);

  return (
    <div
      ref={box}
      id={id}
      class="floating"
      onPointerEnter={onPointerEnter}
      onPointerLeave={onPointerLeave}
    >
      {children}
    </div>
  );
}

function clamp(value: number, least: number, most: number): number {
  return Math.max(Math.min(value, most), least);
}
