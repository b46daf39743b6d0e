import { Icon } from "../parts/Icon.tsx";
import type { IconName } from "../parts/icons.ts";

export interface TabBarProps {
  path: string;
  /** On a well's page on a phone, these tabs mean that well. */
  well?: { trends: string; control: string } | null;
}

interface Tab {
  icon: IconName;
  text: string;
  short?: string;
  href: string;
  isHere: (path: string) => boolean;
}

const TABS: readonly Tab[] = [
  {
    icon: "overview",
    text: "Overview",
    href: "/",
    isHere: (path) => path === "/" || (path.startsWith("/wells/") && !path.endsWith("/control")),
  },
  { icon: "trends", text: "Trends", href: "/trends", isHere: (path) => path === "/trends" },
  { icon: "alarms", text: "Alarms", href: "/alarms", isHere: (path) => path === "/alarms" },
  {
    icon: "control",
    text: "Control",
    href: "/control",
    isHere: (path) =>
      path === "/control" || (path.startsWith("/wells/") && path.endsWith("/control")),
  },
  {
    icon: "plug",
    text: "Connections",
    short: "Devices",
    href: "/connections",
    isHere: (path) => path === "/connections",
  },
];

export function TabBar({ path, well = null }: TabBarProps) {
  return (
    <nav class="tabs" aria-label="Screens">
      {TABS.map((tab) => (
        <a
          key={tab.href}
          href={hrefOf(tab, well)}
          aria-current={tab.isHere(path) ? "page" : undefined}
        >
          <Icon name={tab.icon} />
          {tab.short === undefined ? (
            <span>{tab.text}</span>
          ) : (
            <span>
              <span class="only-desk">{tab.text}</span>
              <span class="only-phone">{tab.short}</span>
            </span>
          )}
        </a>
      ))}
    </nav>
  );
}

function hrefOf(tab: Tab, well: TabBarProps["well"]): string {
  if (well && tab.icon === "trends") return well.trends;
  if (well && tab.icon === "control") return well.control;
  return tab.href;
}
