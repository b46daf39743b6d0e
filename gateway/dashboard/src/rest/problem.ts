/** A problem document (RFC 9457): detail is the sentence for people. */
export interface ProblemDocument {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: string;
  instance?: string;
  by?: string;
  at?: string;
  alarmId?: string;
  state?: string;
  version?: number;
}

/**
 * A request that was not served. `message` is a sentence for people; `code` is for programs.
 * status 0: no answer came (OFFLINE, TIMEOUT).
 */
export class ProblemError extends Error {
  readonly status: number;
  readonly code: string;
  readonly title: string;
  /** When to come back [s]; null where the gateway did not say. */
  readonly retryAfterS: number | null;
  readonly document: ProblemDocument | null;

  constructor(
    sentence: string,
    about: {
      status: number;
      code: string;
      title?: string;
      retryAfterS?: number | null;
      document?: ProblemDocument | null;
    },
  ) {
    super(sentence);
    this.name = "ProblemError";
    this.status = about.status;
    this.code = about.code;
    this.title = about.title ?? "";
    this.retryAfterS = about.retryAfterS ?? null;
    this.document = about.document ?? null;
  }

  /** A well, alarm or command that is not there, or is another tenant's: they look the same. */
  get isNotFound(): boolean {
    return this.status === 404;
  }

  /** The token is missing, wrong or over. */
  get isSignedOut(): boolean {
    return this.status === 401;
  }

  /** It may go better in a moment. */
  get isPassing(): boolean {
    return this.status === 0 || this.status === 429 || this.status === 503 || this.status === 502;
  }
}

/** What an answer that is no success means. body: its text, whatever it is. */
export function problemOf(status: number, body: string, retryAfter: string | null): ProblemError {
  const retryAfterS = seconds(retryAfter);
  const document = parsed(body);
  if (document !== null) {
    return new ProblemError(sentenceOf(document.detail), {
      status,
      code: document.code,
      title: document.title,
      retryAfterS,
      document,
    });
  }
  return new ProblemError(
    `The gateway answered ${status} without saying why. Try again; if it stays so, tell whoever runs it.`,
    { status, code: status === 401 ? "AUTH_FAILED" : "UNEXPLAINED", retryAfterS },
  );
}

/** The text of a caught thing, for a ProblemBox. */
export function sentenceOfError(error: unknown): string {
  if (error instanceof ProblemError) return error.message;
  return "This screen failed at something. Load the page again; if it stays so, tell whoever runs it.";
}

function parsed(body: string): ProblemDocument | null {
  try {
    const found: unknown = JSON.parse(body);
    if (typeof found !== "object" || found === null) return null;
    const document = found as Partial<ProblemDocument>;
    return typeof document.detail === "string" && typeof document.code === "string"
      ? (found as ProblemDocument)
      : null;
  } catch {
    return null;
  }
}

/** With a capital and a full stop, as people write. */
function sentenceOf(detail: string): string {
  const text = detail.trim();
  if (text === "") return "The gateway did not say why.";
  const begun = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

function seconds(text: string | null): number | null {
  if (text === null || !/^\d+$/.test(text.trim())) return null;
  return Number(text);
}
