// The focus in a list of which only the rows in sight are drawn.

const FRAMES = 20;

/** Gives the focus to what the selector finds in the list, once the list has scrolled there and drawn it. */
export function focusDrawn(list: HTMLElement | null, selector: string, frames = FRAMES): void {
  requestAnimationFrame(() => {
    const found = list?.querySelector<HTMLElement>(selector);
    if (found) found.focus({ preventScroll: true });
    else if (frames > 0) focusDrawn(list, selector, frames - 1);
  });
}
