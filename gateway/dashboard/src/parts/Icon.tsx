import { ICONS, type IconName } from "./icons.ts";

export interface IconProps {
  name: IconName;
  /** What it means, where no word stands beside it. */
  label?: string;
}

export function Icon({ name, label }: IconProps) {
  return (
    <svg
      class="ic"
      viewBox="0 0 21 21"
      {...(label === undefined ? { "aria-hidden": true } : { role: "img", "aria-label": label })}
    >
      <path d={ICONS[name]} />
    </svg>
  );
}
