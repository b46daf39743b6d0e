import { useLocation } from "preact-iso";
import { useMemo } from "preact/hooks";
import { wellLink } from "../../model/links.ts";
import { counted } from "../../model/numbers.ts";
import { WELL_WORDS } from "../../parts/WellMark.tsx";
import { PRIORITY_WORDS } from "../../model/alarms.ts";
import { RowMark, TileMark } from "./Mark.tsx";
import { type Judged, type Look, lookOf, nameOf } from "./judged.ts";
import { type Narrowing, addressOf } from "./narrowed.ts";
import { type Pad, padsOf } from "./pads.ts";

const PITCH = 20;
/** Of what is drawn in a box of 20: abnormal tiles reach over their neighbours. */
const SCALE = { alarm: 1.35, well: 1.08 };
/** Up to so many wells there is room for their names. */
const NAMED = 48;
const ACROSS = 13;

/** One tile a well, by route and pad. A pad is a link that filters the list; a tile goes to its well. */
export function FieldMap({ judged, narrowing }: { judged: readonly Judged[]; narrowing: Narrowing }) {
  const { query, route } = useLocation();
  const routes = useMemo(() => padsOf(judged), [judged]);
  const isSmall = judged.length <= NAMED;
  return (
    <div class="map" role="group" aria-label="Wells by route and pad">
      {routes.map(({ route: name, pads, wells, abnormal }) => (
        <section key={name} class="route-tiles" aria-label={name === "" ? "Wells without a route" : name}>
          <h2>
            <span class="cut">{name === "" ? "No route told" : name}</span>
            <span>
              {abnormal} of {counted(wells, "well")}
            </span>
          </h2>
          {isSmall && pads.map((pad) => <NamedTiles key={pad.pad} pad={pad} />)}
          {!isSmall && pads.map((pad) => {
            const isOn = narrowing.pad === pad.pad && pad.pad !== "";
            const to = { ...narrowing, route: name || null, pad: isOn ? null : pad.pad || null };
            return (
              <a
                key={pad.pad}
                class={isOn ? "pd on" : "pd"}
                href={addressOf(to, query)}
                aria-current={isOn ? "true" : undefined}
                onClick={(event) => {
                  const tile = (event.target as Element).closest("[data-well]");
                  const wellId = tile?.getAttribute("data-well");
                  if (wellId == null || event.ctrlKey || event.metaKey) return;
                  event.preventDefault();
                  event.stopPropagation();
                  route(wellLink(wellId));
                }}
              >
                <span class="cut">{pad.pad || "–"}</span>
                <Tiles pad={pad} />
              </a>
            );
          })}
        </section>
      ))}
    </div>
  );
}

/** Of a small field: a link for each well. */
function NamedTiles({ pad }: { pad: Pad }) {
  return (
    <div class="named">
      {pad.pad !== "" && <h3 class="cut">{pad.pad}</h3>}
      {pad.wells.map((one) => (
        <a key={one.wellId} class="tile" href={wellLink(one.wellId)}>
          <RowMark look={lookOf(one)} />
          <span class="nm cut">{nameOf(one.well)}</span>
        </a>
      ))}
    </div>
  );
}

function Tiles({ pad }: { pad: Pad }) {
  const { wells } = pad;
  const rows = Math.ceil(wells.length / ACROSS);
  return useMemo(
    () => (
      <svg
        viewBox={`0 0 ${ACROSS * PITCH} ${rows * PITCH}`}
        class="tiles"
        style={{ height: `${rows * 1.15}rem` }}
        role="img"
        aria-label={`${counted(wells.length, "well")}${inWords(wells)}`}
      >
        {wells.map((one, at) => (
          <g
            key={one.wellId}
            data-well={one.wellId}
            transform={`translate(${(at % ACROSS) * PITCH} ${Math.floor(at / ACROSS) * PITCH})`}
          >
            <title>{`${nameOf(one.well)}: ${lookWords(lookOf(one))}`}</title>
            <rect class="hit" width={PITCH} height={PITCH} />
            <g transform={centred("alarm" in lookOf(one) ? SCALE.alarm : SCALE.well)}>
              <TileMark look={lookOf(one)} />
            </g>
          </g>
        ))}
      </svg>
    ),
    [pad.signature],
  );
}

/** Enlarged about the middle of its box. */
function centred(scale: number): string {
  const shift = (PITCH / 2) * (1 - scale);
  return `translate(${shift} ${shift}) scale(${scale})`;
}

/** What is not normal: ", of which 2 no data, 1 with an alarm". */
function inWords(wells: readonly Judged[]): string {
  const counts = new Map<string, number>();
  for (const one of wells) {
    const words = lookWords(lookOf(one));
    if (words !== "normal") counts.set(words, (counts.get(words) ?? 0) + 1);
  }
  if (counts.size === 0) return ", all normal";
  return `: ${[...counts].map(([words, number]) => `${number} ${words}`).join(", ")}`;
}

function lookWords(look: Look): string {
  if ("well" in look) return WELL_WORDS[look.well];
  const { priority, unacknowledged } = look.alarm;
  return `priority ${priority} ${PRIORITY_WORDS[priority]} alarm${unacknowledged ? ", unacknowledged" : ""}`;
}
