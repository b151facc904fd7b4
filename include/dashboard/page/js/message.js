// A message as it arrived: what a number comes from, down to the line of the landing file.

import { html, isPlain, outside, signal, untracked, useEffect } from "./base.js";
import { addressOfMessage, choices, choose } from "./choices.js";
import { Dialog } from "./dialog.js";
import { parts, t } from "./language.js";
import { moment } from "./moments.js";
import { ServerError, ask } from "./server.js";

/** A link to the message of a row with `landing_file` and `line_number`. */
export function AsItArrived({ row, children }) {
  if (!row.landing_file) return children;
  const message = `${row.landing_file}:${row.line_number}`;
  const show = (event) => {
    if (!isPlain(event)) return;
    event.preventDefault();
    choose({ message });
  };
  return html`<a href=${addressOfMessage(message)} title=${t("The message as it arrived")} onClick=${show}>${children}</a>`;
}

const answer = signal(null);

/** A dialog of its own, above that of an hour. */
export function MessageDialog() {
  const { message } = choices.value;
  useEffect(() => {
    if (message) read(message);
  }, [message]);
  const known = answer.value?.message === message ? answer.value : null;
  const close = () => choices.value.message && choose({ message: null });
  return html`
    <${Dialog} id="message" chosen=${message} isBusy=${!known} title=${t("The message as it arrived")} onClose=${close}>
      ${message && html`<${Origin} message=${message} known=${known} />`}
      <${Content} known=${known} />
    </${Dialog}>
  `;
}

async function read(message) {
  const at = message.lastIndexOf(":");
  const set = (found) => {
    if (untracked(() => choices.value.message) === message) answer.value = { message, ...found };
  };
  try {
    set(await ask("message", { landing_file: message.slice(0, at), line: message.slice(at + 1) }));
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    set({ error: error.message });
  }
}

/** When it was received, and where it lies. */
function Origin({ message, known }) {
  const at = message.lastIndexOf(":");
  return html`
    <p class="hint">
      ${known?.received_at && [...parts("Received {at}", { at: moment(known.received_at) }), " · "]}
      ${parts("line {line} of {file}", {
        line: message.slice(at + 1),
        file: html`<span class="command">${outside(message.slice(0, at))}</span>`,
      })}
    </p>
  `;
}

function Content({ known }) {
  if (!known) return html`<p class="hint">${t("Loading …")}</p>`;
  if (known.error) return html`<p class="banner bad">${outside(known.error)}</p>`;
  if (known.raw === null) return html`<p class="banner note">${t("The landing file is not on this server any more.")}</p>`;
  return html`
    <pre class="raw" role="region" tabindex="0" aria-label=${t("The message")}>${outside(known.raw)}</pre>
    ${known.is_truncated && html`<p class="hint">${t("There is more of it in the landing file.")}</p>`}
  `;
}
