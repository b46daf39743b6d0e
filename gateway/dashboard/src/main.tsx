import { render } from "preact";
import { App } from "./App.tsx";
import "./styles/tokens.css";
import "./styles/fonts.css";
import "./styles/base.css";
import "./styles/plain.css";
import "./styles/parts.css";
import "./frame/frame.css";

render(<App />, document.getElementById("app")!);
