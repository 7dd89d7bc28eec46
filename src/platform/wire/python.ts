// Python's spelling of values, for error texts that must read like MLflow's own.
import { SpelledNumber } from './int64.ts'

/** JSON in ASCII alone, as Python's json module writes it unless told otherwise. */
export const escapeNonAscii = (json: string) =>
  json.replace(/[\u007f-\uffff]/g, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)

/** Levels of nesting that are spelled out; a client may send as many as its body has room for. */
const MAX_DEPTH = 100

/** `json.dumps(value, sort_keys=True, separators=(",", ":"))`, with `…` for what is nested too deep. */
export function pythonJson(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) return '…'
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item, depth + 1)).join(',')}]`
  if (value instanceof SpelledNumber) return pythonNumber(value)
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
    return `{${entries.map(([k, v]) => `${pythonJson(k)}:${pythonJson(v, depth + 1)}`).join(',')}}`
  }
  if (typeof value === 'bigint' || typeof value === 'number') return String(value)
  return value === undefined ? 'null' : escapeNonAscii(JSON.stringify(value))
}

/** Python takes a number without point and exponent for an integer. */
const isFloat = ({ text }: SpelledNumber) => /[.eENI]/.test(text)

function pythonNumber(number: SpelledNumber): string {
  if (!isFloat(number)) return number.text === '-0' ? '0' : number.text
  const value = Number(number.text)
  return Number.isFinite(value) ? pythonFloat(value) : String(value)
}

/** `type(value).__name__` of a decoded JSON value. */
export function pythonTypeName(value: unknown): string {
  if (value === null || value === undefined) return 'NoneType'
  if (Array.isArray(value)) return 'list'
  if (typeof value === 'string') return 'str'
  if (typeof value === 'boolean') return 'bool'
  if (value instanceof SpelledNumber) return isFloat(value) ? 'float' : 'int'
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'float'
  return typeof value === 'bigint' ? 'int' : 'dict'
}

/** `repr(value)` of a string: single quotes unless the text holds one and no double quote. */
export function pythonRepr(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'"
  const body = text
    .replace(/\\/g, '\\\\')
    .replaceAll(quote, `\\${quote}`)
    .replace(/\n/g, '\\n')
    .replace(/\r/g, '\\r')
    .replace(/\t/g, '\\t')
    .replace(/[\u0000-\u001f\u007f-\u00a0]/g, (c) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
  return quote + body + quote
}

/** `str(value)` of a decoded JSON value. */
export const pythonText = (value: unknown): string =>
  typeof value === 'string' ? value : pythonLiteral(value)

/** `bool(value)` of a decoded JSON value. */
export function isPythonTrue(value: unknown): boolean {
  if (value instanceof SpelledNumber) return Number(value.text) !== 0
  if (typeof value === 'object' && value !== null) return Object.keys(value).length > 0
  return Boolean(value)
}

/** `repr` of a list of strings. */
export const pythonList = (items: readonly string[]): string => `[${items.map(pythonRepr).join(', ')}]`

/** `repr` of a decoded JSON value, with `…` for what is nested too deep. */
export function pythonLiteral(value: unknown, depth = 0): string {
  if (depth > MAX_DEPTH) return '…'
  if (value === null || value === undefined) return 'None'
  if (typeof value === 'boolean') return value ? 'True' : 'False'
  if (typeof value === 'string') return pythonRepr(value)
  if (Array.isArray(value)) return `[${value.map((item) => pythonLiteral(item, depth + 1)).join(', ')}]`
  if (value instanceof SpelledNumber)
    return isFloat(value) ? pythonFloat(Number(value.text)) : pythonNumber(value)
  if (typeof value !== 'object') return String(value)
  return `{${Object.entries(value)
    .map(([key, item]) => `${pythonRepr(key)}: ${pythonLiteral(item, depth + 1)}`)
    .join(', ')}}`
}

/** `json.dumps(value)`: blanks behind commas and colons, fields in their order, ASCII alone unless told otherwise. */
export function pythonDumps(value: unknown, spell = escapeNonAscii): string {
  const dumps = (item: unknown) => pythonDumps(item, spell)
  if (Array.isArray(value)) return `[${value.map(dumps).join(', ')}]`
  if (value instanceof SpelledNumber) return pythonNumber(value)
  if (value !== null && typeof value === 'object') {
    const entries = Object.entries(value).filter(([, item]) => item !== undefined)
    return `{${entries.map(([key, item]) => `${dumps(key)}: ${dumps(item)}`).join(', ')}}`
  }
  return spell(JSON.stringify(value))
}

/** `repr(value)` of a Python float. */
export function pythonFloat(value: number): string {
  if (Number.isNaN(value)) return 'nan'
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf'
  if (Object.is(value, -0)) return '-0.0'
  const magnitude = Math.abs(value)
  if (magnitude !== 0 && (magnitude >= 1e16 || magnitude < 1e-4)) {
    const [digits, exponent] = value.toExponential().split('e') as [string, string]
    return `${digits}e${exponent[0]}${exponent.slice(1).padStart(2, '0')}`
  }
  return Number.isInteger(value) ? `${value}.0` : String(value)
}
