// What is found by a few letters: wells first, then tags. Pure.

export interface Findable {
  wellId: string;
  title: string;
  pad: string;
  route: string;
  tags: readonly { tagName: string; title: string; unit: string }[];
}

export type Found =
  | { kind: "well"; wellId: string; title: string; where: string }
  | {
      kind: "tag";
      wellId: string;
      wellTitle: string;
      tagName: string;
      title: string;
      unit: string;
    };

export const FOUND_MOST = 24;

/** Every word has to be found; a name that begins with it comes before one that only contains it. */
export function search(text: string, wells: readonly Findable[]): Found[] {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const found: { rank: number; one: Found }[] = [];
  for (const well of wells) {
    const name = `${well.wellId} ${well.title}`;
    const rank = rankOf(words, name, `${well.pad} ${well.route}`);
    if (rank !== null) {
      const where = [well.pad, well.route].filter((one) => one !== "").join(" · ");
      found.push({ rank, one: { kind: "well", wellId: well.wellId, title: well.title, where } });
    }
    for (const tag of well.tags) {
      const of = `${tag.tagName} ${tag.tagName.replaceAll("_", " ")} ${tag.title}`;
      if (!words.some((word) => of.toLowerCase().includes(word))) continue; // the well's own words find the well
      const tagRank = rankOf(words, of, name);
      if (tagRank === null) continue;
      found.push({
        rank: tagRank + 10,
        one: {
          kind: "tag",
          wellId: well.wellId,
          wellTitle: well.title,
          tagName: tag.tagName,
          title: tag.title,
          unit: tag.unit,
        },
      });
    }
  }
  found.sort((a, b) => a.rank - b.rank || collator.compare(a.one.wellId, b.one.wellId));
  return found.slice(0, FOUND_MOST).map(({ one }) => one);
}

/** 0 best; null: some word is nowhere. first counts more than second. */
function rankOf(words: readonly string[], first: string, second: string): number | null {
  const [near, far] = [first.toLowerCase(), second.toLowerCase()];
  let rank = 0;
  for (const word of words) {
    const at = near.indexOf(word);
    if (at === 0) continue;
    if (at > 0) rank += /[\s\-_.]/.test(near.charAt(at - 1)) ? 1 : 2;
    else if (far.includes(word)) rank += 4;
    else return null;
  }
  return rank;
}

const collator = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
