// A message as it arrived: what a number comes from, down to the line of the landing file.

import { html, isPlain, outside, signal, untracked, useEffect, useLayoutEffect, useRef } from "./base.js";
import { addressOfMessage, choices, choose } from "./choices.js";
import { parts, t } from "./language.js";
import { ServerError, ask } from "./server.js";
import { clock, timeAttributes } from "./times.js";

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
  const dialog = useRef();
  const { message, hour } = choices.value;
  useEffect(() => {
    if (message) read(message);
  }, [message]);
  useLayoutEffect(() => {
    if (!message) dialog.current.close();
    else if (!dialog.current.open) dialog.current.showModal(); // after that of the hour, which is below it
  }, [message, hour]);
  const close = () => choices.value.message && choose({ message: null });
  const known = answer.value?.message === message ? answer.value : null;
  return html`
    <dialog
      id="message"
      class="dialog"
      aria-labelledby="message-title"
      aria-busy=${known ? "false" : "true"}
      ref=${dialog}
      onClose=${close}
    >
      ${message && html`<${Message} message=${message} known=${known} onClose=${() => dialog.current.close()} />`}
    </dialog>
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

function Message({ message, known, onClose }) {
  const at = message.lastIndexOf(":");
  return html`
    <header>
      <h2 id="message-title">${t("The message as it arrived")}</h2>
      <button type="button" onClick=${onClose}>${t("Close")}</button>
    </header>
    <div class="lists">
      <p class="hint">
        ${known?.received_at && [...parts("Received {at}", { at: html`<${Moment} at=${known.received_at} />` }), " · "]}
        ${parts("line {line} of {file}", {
          line: message.slice(at + 1),
          file: html`<span class="command">${outside(message.slice(0, at))}</span>`,
        })}
      </p>
      <${Content} known=${known} />
    </div>
  `;
}

const Moment = ({ at }) => html`<time ...${timeAttributes(at)}>${clock(Date.parse(at), { seconds: true })}</time>`;

function Content({ known }) {
  if (!known) return html`<p class="hint">${t("Loading …")}</p>`;
  if (known.error) return html`<p class="banner bad">${outside(known.error)}</p>`;
  if (known.raw === null) return html`<p class="banner note">${t("The landing file is not on this server any more.")}</p>`;
  return html`
    <pre class="raw" role="region" tabindex="0" aria-label=${t("The message")}>${outside(known.raw)}</pre>
    ${known.is_truncated && html`<p class="hint">${t("There is more of it in the landing file.")}</p>`}
  `;
}
