// Takes passwords out of text that people will read.

/** Replaces the password of every `scheme://user:password@host` in the text. */
export const redactPasswords = (text: string): string =>
  // A password may hold any sign but blanks; the last @ of the word ends it.
  text.replace(/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s]*@/gi, '$1:***@')
