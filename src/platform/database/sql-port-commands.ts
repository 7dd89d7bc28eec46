// Statements at the SQL port that are no question: transactions, settings, cursors. None of them reaches the database as it is.
import type { SqlText } from './sql-text.ts'

/** What a client wants that the port itself keeps for it. */
export type Command =
  | { kind: 'begin' | 'commit' | 'rollback' | 'rollback to' | 'nothing'; tag: string }
  | { kind: 'set'; name: string; value: string | undefined }
  | { kind: 'reset'; name: string | undefined; tag: string }
  | { kind: 'deallocate'; name: string | undefined }
  | { kind: 'declare'; cursor: string; query: string }
  | { kind: 'fetch'; cursor: string; rows: number }
  | { kind: 'close'; cursor: string | undefined }

const NAME = '(?:"(?<quoted>(?:[^"]|"")+)"|(?<plain>[A-Za-z_][\\w$]*))'
const DECLARE = new RegExp(
  `^DECLARE\\s+${NAME}\\s+[A-Z\\s]*?CURSOR\\s+(?:WITH(?:OUT)?\\s+HOLD\\s+)?FOR\\s+(?<query>[\\s\\S]+)$`,
  'i',
)
const FETCH = new RegExp(
  `^FETCH\\s+(?<how>NEXT\\s+|(?:FORWARD\\s+)?(?:ALL\\s+|\\d+\\s+)?)(?:FROM\\s+|IN\\s+)?${NAME}$`,
  'i',
)
const ONE_NAME = new RegExp(`^(?:CLOSE|DEALLOCATE(?:\\s+PREPARE)?)\\s+${NAME}$`, 'i')
const SET = /^SET\s+(?:SESSION\s+|LOCAL\s+)?([A-Za-z_][\w.]*)\s*(?:=|\s+TO\s+|\s)\s*([\s\S]+)$/i

/** Settings that change how values are read and shown. */
const KEPT = new Set([
  ...['application_name', 'bytea_output', 'client_min_messages', 'datestyle', 'extra_float_digits'],
  ...['intervalstyle', 'search_path', 'timezone'],
])
/** Settings that clients set by habit, and that change nothing here. */
const IGNORED = new Set([
  ...['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout', 'jit', 'row_security'],
  ...[
    'default_transaction_isolation',
    'transaction_isolation',
    'escape_string_warning',
    'synchronize_seqscans',
  ],
  ...['transaction', 'characteristics'],
])
/** Settings that can have one value here. */
const FIXED: Record<string, RegExp> = {
  client_encoding: /^(utf-?8|unicode|default)$/i,
  names: /^(utf-?8|unicode|default)$/i,
  standard_conforming_strings: /^(on|true|yes|1|default)$/i,
  default_transaction_read_only: /^(on|true|yes|1|default)$/i,
  transaction_read_only: /^(on|true|yes|1|default)$/i,
}

const nameOf = ({ quoted, plain = '' }: Record<string, string | undefined> = {}): string =>
  quoted?.replaceAll('""', '"') ?? plain.toLowerCase()

/** The command; undefined for what is none, or is none that is taken. */
export function readCommand({ text, words }: SqlText): Command | undefined {
  const [first = '', second = ''] = words
  switch (first) {
    case 'BEGIN':
    case 'START':
      return { kind: 'begin', tag: first === 'BEGIN' ? 'BEGIN' : 'START TRANSACTION' }
    case 'COMMIT':
    case 'END':
      return second === 'PREPARED' ? undefined : { kind: 'commit', tag: 'COMMIT' }
    case 'ROLLBACK':
    case 'ABORT':
      if (second === 'PREPARED') return undefined
      return words.includes('TO')
        ? { kind: 'rollback to', tag: 'ROLLBACK' }
        : { kind: 'rollback', tag: 'ROLLBACK' }
    case 'SAVEPOINT':
    case 'RELEASE':
    case 'UNLISTEN':
      return { kind: 'nothing', tag: first }
    case 'SET':
      return readSet(text)
    case 'RESET':
      return second === 'ROLE' || second === 'SESSION'
        ? undefined
        : { kind: 'reset', name: second === 'ALL' ? undefined : second.toLowerCase(), tag: 'RESET' }
    case 'DISCARD':
      return { kind: 'reset', name: undefined, tag: `DISCARD ${second}` }
    case 'DEALLOCATE':
      return {
        kind: 'deallocate',
        name: words.includes('ALL') ? undefined : nameOf(ONE_NAME.exec(text)?.groups),
      }
    case 'CLOSE':
      return { kind: 'close', cursor: second === 'ALL' ? undefined : nameOf(ONE_NAME.exec(text)?.groups) }
    case 'DECLARE': {
      const groups = DECLARE.exec(text)?.groups
      return groups && { kind: 'declare', cursor: nameOf(groups), query: groups.query ?? '' }
    }
    case 'FETCH': {
      const groups = FETCH.exec(text)?.groups
      if (!groups) return undefined
      const rows = /all/i.test(groups.how ?? '')
        ? Number.POSITIVE_INFINITY
        : Number(/\d+/.exec(groups.how ?? '')?.[0] ?? 1)
      return { kind: 'fetch', cursor: nameOf(groups), rows }
    }
  }
  return undefined
}

function readSet(text: string): Command | undefined {
  const [, given = '', rest = ''] = SET.exec(text) ?? []
  const isZone = /^time$/i.test(given) && /^zone\s/i.test(rest)
  const name = isZone ? 'timezone' : given.toLowerCase()
  const value = rest
    .replace(isZone ? /^zone\s+/i : /^$/, '')
    .trim()
    .replace(/^'((?:[^']|'')*)'$/, (_all, inner: string) => inner.replaceAll("''", "'"))
  if (FIXED[name]) return FIXED[name].test(value) ? { kind: 'nothing', tag: 'SET' } : undefined
  if (IGNORED.has(name)) return { kind: 'nothing', tag: 'SET' }
  if (!KEPT.has(name)) return undefined
  return { kind: 'set', name, value: /^default$/i.test(value) ? undefined : value }
}

/** Parameters of a client's first message that are settings. */
export const isKept = (name: string): boolean => KEPT.has(name.toLowerCase())
