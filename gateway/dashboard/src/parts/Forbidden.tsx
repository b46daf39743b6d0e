export interface ForbiddenProps {
  /** "well", "alarm", "command" … */
  what: string;
  tenant: string;
}

/** One and the same for a thing that is not there and for another tenant's. */
export function Forbidden({ what, tenant }: ForbiddenProps) {
  return (
    <div class="empty known">
      <b>Not found, or not yours</b>
      <span class="dim2">
        There is no such {what} in {tenant}. A link from another tenant looks the same on purpose.
      </span>
      <a class="btn" href="/">
        Overview
      </a>
    </div>
  );
}
