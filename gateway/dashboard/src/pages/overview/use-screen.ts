// The size of this screen: a phone shows cards, a wall everything larger.

import { useEffect, useState } from "preact/hooks";

const PHONE = "(max-width: 640px)";

export interface ScreenSize {
  isPhone: boolean;
  /** The root's font size [px]. */
  remPx: number;
}

export function useScreen(isWall: boolean): ScreenSize {
  const [size, setSize] = useState(measured);
  useEffect(() => {
    const look = () =>
      setSize((before) => {
        const now = measured();
        return now.isPhone === before.isPhone && now.remPx === before.remPx ? before : now;
      });
    document.documentElement.classList.toggle("wall", isWall);
    look();
    addEventListener("resize", look);
    return () => {
      removeEventListener("resize", look);
      document.documentElement.classList.remove("wall");
    };
  }, [isWall]);
  return size;
}

function measured(): ScreenSize {
  return {
    isPhone: matchMedia(PHONE).matches,
    remPx: parseFloat(getComputedStyle(document.documentElement).fontSize) || 16,
  };
}
