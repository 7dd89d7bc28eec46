// Bounds what a JSON text takes as values in memory, and takes lists apart whose items are read one by one.
import { invalidParameter } from '../../errors.ts'
import { jsonParts } from './int64.ts'

/** A text beyond this is large for the texts in it: datasets with their profiles. In characters. */
const LARGE = 1024 * 1024
/** Lists, objects and their members in a large text; each takes up to a hundred bytes of memory. */
const MAX_VALUES = 1_000_000
/** Levels of nesting in the items of a list; reading and writing them is recursive. */
const MAX_DEPTH = 500

const COMMA = 0x2c
const isOpening = (code: number) => code === 0x5b || code === 0x7b
const isClosing = (code: number) => code === 0x5d || code === 0x7d

/** @throws INVALID_PARAMETER_VALUE for a large text of so many small values that reading it would take all memory */
export function checkNumberOfValues(json: string, what: string): void {
  if (json.length < LARGE) return
  let values = 0
  for (const [part] of jsonParts(json)) {
    for (let i = 0; i < part.length; i++) {
      const code = part.charCodeAt(i)
      if (isOpening(code) || code === COMMA) values++
    }
    if (values > MAX_VALUES) throw invalidParameter(`${what} has more than ${MAX_VALUES} values.`)
  }
}

/**
 * The texts of the items of a JSON list. Whether they are JSON is left to whoever reads them.
 * @throws INVALID_PARAMETER_VALUE for what is no list, or nested deeper than 500 levels
 */
export function* listItems(json: string, what: string): Generator<string> {
  const notAList = () => invalidParameter(`${what} must be a JSON list.`)
  let depth = 0
  let start = 0
  let items = 0
  let end: number | undefined
  let offset = 0
  for (const [part, string] of jsonParts(json)) {
    for (let i = 0; i < part.length; i++) {
      const code = part.charCodeAt(i)
      const at = offset + i
      if (isOpening(code)) {
        if (++depth > MAX_DEPTH) throw invalidParameter(`${what} is nested deeper than ${MAX_DEPTH} levels.`)
        if (depth > 1) continue
        if (end !== undefined || json[at] !== '[' || json.slice(0, at).trim() !== '') throw notAList()
        start = at + 1
      } else if (isClosing(code)) {
        if (--depth > 0) continue
        if (depth < 0 || json[at] !== ']') throw notAList()
        end = at + 1
        const last = json.slice(start, at)
        if (items > 0 || last.trim() !== '') yield last
      } else if (code === COMMA && depth === 1) {
        yield json.slice(start, at)
        start = at + 1
        items++
      }
    }
    offset += part.length + string.length
  }
  if (end === undefined || json.slice(end).trim() !== '') throw notAList()
}
