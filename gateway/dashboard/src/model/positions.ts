// How every loss is seen: a position (epoch, seq) for each connection of a well (docs/wire.md).

export interface Position {
  epoch: string;
  seq: number;
}

/** Missing are the messages after `from` up to and including `to`. */
export interface Gap {
  connectionId: string;
  epoch: string;
  from: number;
  to: number;
}

interface Track extends Position {
  /** Up to here losses are known; what comes late below it is no new gap. */
  announced: number;
  gap: Gap | null;
}

/** What a message means: show it or not, and the gap that it makes known. */
export interface Step {
  show: boolean;
  gap: Gap | null;
}

const DROP: Step = { show: false, gap: null };
const SHOW: Step = { show: true, gap: null };

/** The positions of one well. */
export class Positions {
  readonly #tracks = new Map<string, Track>();

  /** Judges a message of the feed. */
  message(connectionId: string, epoch: string, seq: number, prev: number): Step {
    const track = this.#tracks.get(connectionId);
    if (track === undefined) {
      const made = this.#begin(connectionId, epoch, seq);
      return prev > 0 ? { show: true, gap: this.#open(connectionId, made, 0, prev) } : SHOW;
    }
    if (epoch !== track.epoch) {
      const made = this.#begin(connectionId, epoch, seq);
      return prev > 0 ? { show: true, gap: this.#open(connectionId, made, 0, prev) } : SHOW;
    }
    if (seq <= track.seq) return DROP;
    const before = track.seq;
    track.seq = seq;
    if (prev > before && prev > track.announced) {
      return { show: true, gap: this.#open(connectionId, track, before, prev) };
    }
    return SHOW;
  }

  /** Messages were put together up to here, for a slow client: nothing of it is missing live. */
  conflated(connectionId: string, epoch: string, seq: number): boolean {
    const track = this.#tracks.get(connectionId);
    if (track === undefined || track.epoch !== epoch) {
      this.#begin(connectionId, epoch, seq);
      return true;
    }
    if (seq <= track.seq) return false;
    track.seq = seq;
    return true;
  }

  /** The gateway tells of a gap. It knows of more than this side can see. */
  told(gap: Gap): Gap {
    const track =
      this.#tracks.get(gap.connectionId) ?? this.#begin(gap.connectionId, gap.epoch, 0);
    if (track.epoch !== gap.epoch) {
      const made = this.#begin(gap.connectionId, gap.epoch, 0);
      return this.#open(gap.connectionId, made, gap.from, gap.to);
    }
    return this.#open(gap.connectionId, track, gap.from, gap.to);
  }

  /** The database has everything up to here; the gap that this heals, if it does. */
  stored(connectionId: string, storedSeq: number): Gap | null {
    const track = this.#tracks.get(connectionId);
    if (!track?.gap || storedSeq < track.gap.to) return null;
    const healed = track.gap;
    track.gap = null;
    return healed;
  }

  /** The gateway says that it is healed. */
  healed(connectionId: string): Gap | null {
    return this.stored(connectionId, Infinity);
  }

  /** Takes in a snapshot. The gaps are what was missed since the last message that was seen. */
  snapshot(positions: Readonly<Record<string, Position>>): Gap[] {
    const missed: Gap[] = [];
    for (const [connectionId, position] of Object.entries(positions)) {
      const track = this.#tracks.get(connectionId);
      if (track === undefined) {
        this.#begin(connectionId, position.epoch, position.seq);
      } else if (track.epoch !== position.epoch) {
        const made = this.#begin(connectionId, position.epoch, position.seq);
        if (position.seq > 0) missed.push(this.#open(connectionId, made, 0, position.seq));
      } else if (position.seq > track.seq) {
        const before = track.seq;
        track.seq = position.seq;
        if (position.seq > track.announced) {
          missed.push(this.#open(connectionId, track, before, position.seq));
        }
      }
    }
    return missed;
  }

  /** The open gaps. */
  get gaps(): Gap[] {
    return [...this.#tracks.values()].flatMap((track) => (track.gap === null ? [] : [track.gap]));
  }

  /** How far each connection has come. */
  get current(): Record<string, Position> {
    return Object.fromEntries(
      [...this.#tracks].map(([name, track]) => [name, { epoch: track.epoch, seq: track.seq }]),
    );
  }

  #begin(connectionId: string, epoch: string, seq: number): Track {
    const track: Track = { epoch, seq, announced: 0, gap: null };
    this.#tracks.set(connectionId, track);
    return track;
  }

  #open(connectionId: string, track: Track, from: number, to: number): Gap {
    const open = track.gap;
    track.gap = {
      connectionId,
      epoch: track.epoch,
      from: open === null ? from : Math.min(from, open.from),
      to: open === null ? to : Math.max(to, open.to),
    };
    track.announced = Math.max(track.announced, to);
    return track.gap;
  }
}
