import type { RoutePropsForPath } from "preact-iso";
import { WellControl } from "../control/WellControl.tsx";
import { WellPage } from "./WellPage.tsx";

/** A well: its process picture, all of its tags, its events, or its control panel. */
export default function Well({ params }: RoutePropsForPath<"/wells/:wellId/:view?">) {
  if (params.view === "control") return <WellControl wellId={params.wellId} />;
  const view = params.view === "tags" || params.view === "events" ? params.view : "";
  return <WellPage key={params.wellId} wellId={params.wellId} view={view} />;
}
