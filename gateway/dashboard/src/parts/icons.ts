/** Line drawings in a box of 21 × 21, stroked with the colour of the text around them. */
export const ICONS = {
  overview: "M3 3h6v6H3zM12 3h6v6h-6zM3 12h6v6H3zM12 12h6v6h-6z",
  trends: "M2.5 3v15.5H19M5 14l4-5 3.5 3L18 5",
  alarms: "M5 15V9.5a5.5 5.5 0 0 1 11 0V15l1.5 1.5h-14zM8.8 19h3.4",
  control:
    "M3 6h9M16 6h2.5M3 15h2.5M9.5 15h9M16 6a2 2 0 1 1-4 0 2 2 0 0 1 4 0M9.5 15a2 2 0 1 1-4 0 2 2 0 0 1 4 0",
  plug: "M7.5 2.5v5M13.5 2.5v5M5 7.5h11v3a5.5 5.5 0 0 1-11 0zM10.5 16v3",
  search: "M14.5 9a5.5 5.5 0 1 1-11 0 5.5 5.5 0 0 1 11 0M13.2 13.2L18 18",
  person: "M14 7a3.5 3.5 0 1 1-7 0 3.5 3.5 0 0 1 7 0M3.5 18.5c1-4 3.5-5.5 7-5.5s6 1.5 7 5.5",
  sound: "M3 8v5h3.5L11 17V4L6.5 8zM14 7.5a4 4 0 0 1 0 6M16.5 5a7.5 7.5 0 0 1 0 11",
  "sound-off": "M3 8v5h3.5L11 17V4L6.5 8zM14 8l5 5M19 8l-5 5",
  filter: "M3 4h15l-6 7v6l-3-1.5V11z",
  link: "M9 12l4-4M7 10l-2.5 2.5a3 3 0 0 0 4.2 4.2L11 14.5M10.5 7L13 4.5a3 3 0 0 1 4.2 4.2L14.5 11",
  download: "M10.5 3v11M6 10l4.5 4.5L15 10M3.5 18h14",
  picture: "M3 6.5h4l1.5-2h4l1.5 2h4V17H3zM13.5 11.5a3 3 0 1 1-6 0 3 3 0 0 1 6 0",
  next: "M3 10.5h14M12 5l5.5 5.5L12 16",
  back: "M18 10.5H4M9 5l-5.5 5.5L9 16",
  lock: "M5 10h11v8H5zM7.5 10V7a3 3 0 0 1 6 0v3",
  check: "M4 11l4.5 4.5L17 6",
  close: "M5 5l11 11M16 5L5 16",
  people:
    "M11 7a3 3 0 1 1-6 0 3 3 0 0 1 6 0M2.5 17.5c.7-3.5 2.7-5 5.5-5s4.8 1.5 5.5 5M13.5 4.3a3 3 0 0 1 0 5.4M15.5 12.9c1.7.7 2.6 2.2 3 4.6",
  clock: "M18 10.5a7.5 7.5 0 1 1-15 0 7.5 7.5 0 0 1 15 0M10.5 6v5l3 2",
  plus: "M10.5 4v13M4 10.5h13",
  minus: "M4 10.5h13",
  more: "M5 10.5v.01M10.5 10.5v.01M16 10.5v.01",
} as const;

export type IconName = keyof typeof ICONS;
