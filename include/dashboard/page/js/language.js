// Texts of the page with values in them; all of them pass here, so that another language is one place.

const FIELDS = /\{(\w+)\}/g;

/** For Intl: the reader's own one. */
export const locale = undefined;

/** A text of the page, with values for its fields: t("{hours} without a price", { hours }). */
export const t = (text, values = {}) => text.replace(FIELDS, (_, name) => values[name]);

/** The same as parts of an element: values may be elements. */
export const parts = (text, values) => text.split(FIELDS).map((part, i) => (i % 2 ? values[part] : part));
