// Names and texts of others on a terminal.

/** What would move the cursor, change colours or turn the direction of writing, which names can hold. */
const INVISIBLE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069]/g
const ESCAPES: Record<string, string> = { '\n': '\\n', '\t': '\\t', '\r': '\\r' }

/** The text in one line, with signs that a terminal would obey spelled out: `\x1b`. */
export const visible = (text: string): string =>
  text.replace(INVISIBLE, (sign) => {
    const code = sign.charCodeAt(0)
    return ESCAPES[sign] ?? (code < 256 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`)
  })

const hex = (code: number, digits: number) => code.toString(16).padStart(digits, '0')

/** JSON with such signs spelled as JSON spells them: it says the same. */
export const visibleJson = (json: string): string =>
  json.replace(INVISIBLE, (sign) => (sign === '\n' ? sign : `\\u${hex(sign.charCodeAt(0), 4)}`))
