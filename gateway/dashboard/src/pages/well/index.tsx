import type { RoutePropsForPath } from "preact-iso";
import { WellControl } from "../control/WellControl.tsx";

export default function Well({ params }: RoutePropsForPath<"/wells/:wellId/:view?">) {
  if (params.view === "control") return <WellControl wellId={params.wellId} />;
  return <h1>{params.wellId}</h1>;
}
