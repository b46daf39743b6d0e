import { LocationProvider, Route, Router, lazy } from "preact-iso";
import { AppShell } from "./frame/AppShell.tsx";
import { NotFound } from "./frame/NotFound.tsx";

const Overview = lazy(() => import("./pages/overview/index.tsx"));
const Well = lazy(() => import("./pages/well/index.tsx"));
const Trends = lazy(() => import("./pages/trends/index.tsx"));
const Alarms = lazy(() => import("./pages/alarms/index.tsx"));
const Control = lazy(() => import("./pages/control/index.tsx"));
const Connections = lazy(() => import("./pages/connections/index.tsx"));
const SignIn = lazy(() => import("./pages/sign-in/index.tsx"));
const Kit = lazy(() => import("./pages/kit/index.tsx"));

export function App() {
  return (
    <LocationProvider>
      <AppShell>
        <Router>
          <Route path="/" component={Overview} />
          <Route path="/wells/:wellId/:view?" component={Well} />
          <Route path="/trends" component={Trends} />
          <Route path="/alarms" component={Alarms} />
          <Route path="/control" component={Control} />
          <Route path="/connections" component={Connections} />
          <Route path="/sign-in" component={SignIn} />
          <Route path="/kit" component={Kit} />
          <Route default component={NotFound} />
        </Router>
      </AppShell>
    </LocationProvider>
  );
}
