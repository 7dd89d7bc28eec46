// A value in a line of CSV.

/**
 * In quotes where it has a separator, a quote or a line's end.
 * @see https://www.rfc-editor.org/rfc/rfc4180
 */
export const csvCell = (text: string): string => (/[",\r\n]/.test(text) ? csvQuoted(text) : text)

export const csvQuoted = (text: string): string => `"${text.replaceAll('"', '""')}"`
