import { LocationProvider, Route, Router, useLocation } from "preact-iso";
import type { ComponentType } from "preact";
import { AppShell } from "./frame/AppShell.tsx";
import { Patterns } from "./frame/Patterns.tsx";
import { Starting } from "./frame/Starting.tsx";
import { NotFound } from "./frame/NotFound.tsx";
import { isLive, session } from "./frame/gateway.ts";
import { lazyPage } from "./frame/lazy-page.ts";

const overview = () => import("./pages/overview/index.tsx");
const Overview = lazyPage(overview);
const Well = lazyPage(
  () => import("./pages/well/index.tsx") as Promise<{ default: ComponentType }>,
);
const Trends = lazyPage(() => import("./pages/trends/index.tsx"));
const Alarms = lazyPage(() => import("./pages/alarms/index.tsx"));
const Control = lazyPage(() => import("./pages/control/index.tsx"));
const Connections = lazyPage(() => import("./pages/connections/index.tsx"));
const SignIn = lazyPage(() => import("./pages/sign-in/index.tsx"));
const Kit = lazyPage(() => import("./pages/kit/index.tsx"));

// the page that most come for is fetched while the gateway is asked who they are
if (location.pathname === "/") void overview().catch(() => undefined);

export function App() {
  return (
    <LocationProvider>
      <Patterns />
      <Screens />
    </LocationProvider>
  );
}

/** Sign-in and the kit need nobody signed in, and stand without the frame. */
function Screens() {
  const { path } = useLocation();
  if (path === "/kit") return <Alone page={Kit} />;
  if (session.token.value === null || path === "/sign-in") return <Alone page={SignIn} />;
  if (!isLive.value) return <Starting />;
  return (
    <AppShell>
      <Router>
        <Route path="/" component={Overview} />
        <Route path="/wells/:wellId/:view?" component={Well} />
        <Route path="/trends" component={Trends} />
        <Route path="/alarms" component={Alarms} />
        <Route path="/control" component={Control} />
        <Route path="/connections" component={Connections} />
        <Route default component={NotFound} />
      </Router>
    </AppShell>
  );
}

/** Whatever the address is. */
function Alone({ page }: { page: ComponentType }) {
  return <Router>{[<Route key="alone" default component={page} />]}</Router>;
}
