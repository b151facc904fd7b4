// Starts the page: what it shows is in app.js, what it reads in reading.js.

import { App } from "./app.js";
import { html, render } from "./base.js";
import { followColours } from "./colours.js";
import { start } from "./reading.js";

followColours();
render(html`<${App} />`, document.getElementById("page"));
start();
