import type { RoutePropsForPath } from "preact-iso";

export default function Well({ params }: RoutePropsForPath<"/wells/:wellId/:view?">) {
  return <h1>{params.wellId}</h1>;
}
