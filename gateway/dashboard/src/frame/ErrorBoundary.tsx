import { Component, type ComponentChildren } from "preact";
import { Button } from "../parts/Button.tsx";

interface Props {
  children: ComponentChildren;
  /** Another place, another try. */
  path: string;
}

/** What breaks while it is drawn breaks its own page, and neither the frame nor the alarms. */
export class ErrorBoundary extends Component<Props, { failedAt: string | null }> {
  override state = { failedAt: null as string | null };

  override componentDidCatch(error: unknown): void {
    reportError(error);
    this.setState({ failedAt: this.props.path });
  }

  override render({ children, path }: Props) {
    return this.state.failedAt === path ? <Broken /> : children;
  }
}

/** Also shown where the program of a page could not be fetched. */
export function Broken({ why = "Something on this page went wrong" }: { why?: string }) {
  return (
    <div class="empty problem" role="alert">
      <b>{why}</b>
      <span class="dim2">
        Alarms and all other pages go on. If it happens again, tell whoever runs the gateway.
      </span>
      <Button onClick={() => location.reload()}>Load the page again</Button>
    </div>
  );
}
