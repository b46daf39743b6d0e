import { AlarmBanner } from "../../frame/AlarmBanner.tsx";
import { Clock } from "../../frame/Clock.tsx";
import { LiveState } from "../../frame/LiveState.tsx";
import { Mark } from "../../frame/Mark.tsx";
import { TabBar } from "../../frame/TabBar.tsx";
import { TenantBadge } from "../../frame/TenantBadge.tsx";
import { useTitle } from "../../frame/title.ts";
import { usePageZone } from "../../frame/zone.ts";
import { Icon } from "../../parts/Icon.tsx";
import { Shapes, States, Wells } from "./Alarms.tsx";
import { BANNER, FrameStates } from "./Frame.tsx";
import { Buttons, Loading, NotYours, Nothing, Problem, Role } from "./Plain.tsx";
import { Bars, Card, Sparks, Values } from "./Values.tsx";
import { NOW, ZONE } from "./samples.ts";
import "./kit.css";

/** Every state of every part on one sheet, the same each time; nobody has to be signed in. */
export default function Kit() {
  useTitle("Kit");
  usePageZone(ZONE);
  return (
    <div class="app">
      <div class="head">
        <Head />
        <AlarmBanner {...BANNER} />
      </div>
      <main id="main" class="kit">
        <h1>Kit: every state on one sheet</h1>
        <div class="col gap3">
          <Values />
          <Card />
          <Buttons />
        </div>
        <div class="col gap3">
          <Shapes />
          <Wells />
          <Bars />
          <Sparks />
        </div>
        <div class="col gap3">
          <States />
          <Loading />
          <Nothing />
          <Problem />
          <NotYours />
          <Role />
        </div>
        <FrameStates />
      </main>
    </div>
  );
}

function Head() {
  return (
    <header class="top">
      <a class="mark" href="/" aria-label="Pumpjack, overview">
        <Mark />
      </a>
      <TenantBadge tenant="Bluestem Ridge Operating" />
      <TabBar path="/kit" />
      <span class="search">
        <Icon name="search" />
        <span class="only-desk">Find a well or tag</span>
        <kbd class="only-desk">/</kbd>
      </span>
      <LiveState kind="live" lagMs={400} awayMs={0} />
      <Clock now={NOW} zone={ZONE} />
      <span class="who">
        <Icon name="person" />
        <span>
          operator<span>Shift B, console 2</span>
        </span>
      </span>
    </header>
  );
}
