import "./styles/tokens.css";
import "./styles/fonts.css";
import "./styles/base.css";
import "./styles/plain.css";
import "./styles/parts.css";
import "./frame/frame.css";
import { render } from "preact";
import { App } from "./App.tsx";
import { begin } from "./frame/gateway.ts";
import { runClock } from "./frame/now.ts";
import { followTheme } from "./frame/preferences.ts";
import { writeTitle } from "./frame/title.ts";

followTheme();
begin();
runClock();
writeTitle();
render(<App />, document.getElementById("app") as HTMLElement);
