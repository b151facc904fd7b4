// The page around its views: heading, tabs, how fresh it is, what is wrong.

import { html, useEffect, useRef } from "./base.js";
import { choices, choose } from "./choices.js";
import { Desk } from "./desk.js";
import { isFramed, openFromParent } from "./frame.js";
import { Health } from "./health.js";
import { HourDialog } from "./hour.js";
import { chooseLanguage, otherLanguages, t } from "./language.js";
import { MessageDialog } from "./message.js";
import { pnlOf, signed } from "./numbers.js";
import { RangeView } from "./range.js";
import { announcement, desk, isBusy, range } from "./reading.js";
import { Failure, Freshness, Troubles } from "./status.js";
import { linesOf } from "./words.js";

const VIEWS = [
  ["desk", t("Desk")],
  ["range", t("Range")],
  ["health", t("Health")],
];

export function App() {
  useTitle();
  const open = () => openFromParent(location.href, "_blank");
  return html`
    <${SkipLink} />
    <header class="top">
      <h1>${t("Trading desk")}</h1>
      <${Tabs} />
      <${Freshness} />
      <${Languages} />
      <button type="button" id="own-tab" class="quiet" hidden=${!isFramed()} onClick=${open}>${t("Open in a new tab")}</button>
    </header>
    <main>
      <${Failure} />
      <${Troubles} />
      <p id="announcer" class="unseen" aria-live="polite">${announcement.value}</p>
      <${View} name="desk"><${Desk} /></${View}>
      <${View} name="range">${choices.value.view === "range" && html`<${RangeView} />`}</${View}>
      <${View} name="health"><${Health} /></${View}>
      <${HourDialog} />
      <${MessageDialog} />
    </main>
  `;
}

const Languages = () =>
  otherLanguages.map(
    ([code, name]) =>
      html`<button type="button" class="quiet" lang=${code} onClick=${() => chooseLanguage(code)}>${name}</button>`,
  );

/** To the table, where there is one. */
function SkipLink() {
  const isShown = choices.value.view === "desk" && desk.value && linesOf(desk.value).length > 0;
  return isShown && html`<a class="skip" href="#hours">${t("Skip to the table")}</a>`;
}

function useTitle() {
  const total = (choices.value.view === "range" ? range.value : desk.value)?.total;
  const name = t("Trading desk");
  const title = total ? `${signed(pnlOf(total), 0)} EUR · ${name}` : name;
  useEffect(() => {
    document.title = title;
  }, [title]);
}

function Tabs() {
  const list = useRef();
  const { view } = choices.value;
  const byKey = (event) => {
    const next = { ArrowLeft: 1, ArrowRight: 1, Home: -Infinity, End: Infinity }[event.key];
    if (next === undefined) return;
    const at = VIEWS.findIndex(([name]) => name === view) + next;
    const number = Number.isFinite(at) ? at % VIEWS.length : at < 0 ? 0 : VIEWS.length - 1;
    choose({ view: VIEWS[number][0] });
    list.current.children[number].focus();
  };
  return html`
    <div class="tabs" role="tablist" aria-label=${t("Views")} ref=${list} onKeyDown=${byKey}>
      ${VIEWS.map(([name, text]) => {
        const isChosen = view === name;
        return html`
          <button
            type="button"
            role="tab"
            id=${`tab-${name}`}
            aria-controls=${`view-${name}`}
            aria-selected=${isChosen ? "true" : "false"}
            tabindex=${isChosen ? null : "-1"}
            onClick=${() => choose({ view: name })}
          >
            ${text}
          </button>
        `;
      })}
    </div>
  `;
}

function View({ name, children }) {
  const isHidden = choices.value.view !== name;
  const busy = name !== "health" ? (isBusy.value ? "true" : "false") : null;
  return html`
    <section id=${`view-${name}`} role="tabpanel" aria-labelledby=${`tab-${name}`} aria-busy=${busy} hidden=${isHidden}>
      ${children}
    </section>
  `;
}
