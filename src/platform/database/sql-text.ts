// Reads SQL as far as it takes to tell statements apart: where each ends, by which word it begins, what it calls.
import { invalidParameter, MlflowError } from '../../errors.ts'

/** A statement without the semicolon behind it. */
export interface SqlText {
  text: string
  /** Its words before anything else comes, upper case, four at most: `EXPLAIN`, `ANALYZE`, `SELECT`. */
  words: readonly string[]
  /** Names with a parenthesis behind them, lower case unless they are quoted: what is called is among them. */
  calls: ReadonlySet<string>
  /** All its names and keywords, spelled alike. */
  names: ReadonlySet<string>
}

interface Token {
  kind: 'word' | 'quoted' | 'symbol' | 'other'
  /** Of a quoted identifier what is between its quotes. */
  text: string
  start: number
  end: number
}

/**
 * In the order in which they are tried. Texts in quotes and dollars, comments and numbers are one piece each, as both databases
 * read them with `standard_conforming_strings` on. Only these five characters are space: to PostgreSQL all others beyond ASCII,
 * such as the no-break space, belong to names.
 */
const PIECES =
  /(?<space>[ \t\n\r\f]+|--[^\n\r]*)|(?<comment>\/\*)|(?<unicode>[uU]&["'])|(?<escaped>[eE]'(?:[^'\\]|\\[\s\S]|'')*'?)|(?<text>'(?:[^']|'')*'?)|(?<dollar>\$(?:[A-Za-z_\u0080-\uffff][\w\u0080-\uffff]*)?\$)|(?<quoted>"(?:[^"]|"")*"?)|(?<word>[A-Za-z_\u0080-\uffff][\w$\u0080-\uffff]*)|(?<number>\d+(?:\.\d*)?(?:[eE][+-]?\d+)?|\.\d+)|(?<symbol>[\s\S])/gy

/** Comments of PostgreSQL may hold others, those of CrateDB end where the first `*\/` is. */
function endOfComment(sql: string, start: number): number {
  const marks = /\/\*|\*\//g
  marks.lastIndex = start + 2
  const mark = marks.exec(sql)
  if (mark?.[0] === '/*') throw invalidParameter('A comment cannot have another one in it.')
  return mark ? marks.lastIndex : sql.length
}

function* tokensOf(sql: string): Generator<Token> {
  let at = 0
  let wasEscaped = false
  while (at < sql.length) {
    PIECES.lastIndex = at
    const { groups = {}, 0: piece = '' } = PIECES.exec(sql) ?? {}
    const start = at
    at += piece.length
    if (groups.space !== undefined) continue
    // PostgreSQL goes on with backslashes in it.
    if (wasEscaped && groups.text !== undefined)
      throw invalidParameter("A text that begins with E' cannot go on in another one.")
    if (groups.comment === undefined) wasEscaped = groups.escaped !== undefined
    // What it spells would have to be decoded to be judged.
    if (groups.unicode !== undefined) throw invalidParameter('U& in front of a text or name is not taken.')
    if (groups.comment !== undefined) at = endOfComment(sql, start)
    else if (groups.dollar !== undefined) {
      const end = sql.indexOf(piece, at)
      at = end < 0 ? sql.length : end + piece.length
      yield { kind: 'other', text: '', start, end: at }
    } else if (groups.quoted !== undefined) {
      yield { kind: 'quoted', text: piece.slice(1, -1).replaceAll('""', '"'), start, end: at }
    } else if (groups.word !== undefined) {
      // To PostgreSQL it is part of the name, to CrateDB a text may begin with it.
      if (piece.includes('$')) throw invalidParameter('A name with $ in it has to be in double quotes.')
      yield { kind: 'word', text: piece, start, end: at }
    } else yield { kind: groups.symbol === undefined ? 'other' : 'symbol', text: piece, start, end: at }
  }
}

/**
 * The statements of a text, in order; empty ones are left out.
 * @throws INVALID_PARAMETER_VALUE for what the databases, or the database and this, might read in two ways
 */
export function readStatements(sql: string): SqlText[] {
  const statements: SqlText[] = []
  let tokens: Token[] = []
  const end = () => {
    const [first, last] = [tokens[0], tokens.at(-1)]
    if (first && last) statements.push(describe(sql.slice(first.start, last.end), tokens))
    tokens = []
  }
  for (const token of tokensOf(sql)) {
    if (token.kind === 'symbol' && token.text === ';') end()
    else tokens.push(token)
  }
  end()
  return statements
}

function describe(text: string, tokens: readonly Token[]): SqlText {
  const firstOther = tokens.findIndex(({ kind }) => kind !== 'word')
  const words = tokens.slice(0, firstOther < 0 ? 4 : Math.min(firstOther, 4))
  const [calls, names] = [new Set<string>(), new Set<string>()]
  for (const [index, { kind, text: spelled }] of tokens.entries()) {
    if (kind !== 'word' && kind !== 'quoted') continue
    const name = kind === 'word' ? spelled.toLowerCase() : spelled
    const next = tokens[index + 1]
    names.add(name)
    if (next?.kind === 'symbol' && next.text === '(') calls.add(name)
  }
  return { text, words: words.map((word) => word.text.toUpperCase()), calls, names }
}

/** The words behind EXPLAIN and its options, of which some stand in parentheses. */
const EXPLAINED =
  /^EXPLAIN\s*(?:\([^)]*\)\s*)?(?:(?:ANALYZE|ANALYSE|VERBOSE)\s+)*(SELECT|WITH|VALUES|TABLE|\()/i

/** Rows are asked for, which a cursor can go through. */
export const isQuery = ({ text, words }: SqlText): boolean =>
  text.startsWith('(') || ['SELECT', 'WITH', 'VALUES', 'TABLE'].includes(words[0] ?? '')

/** Whether each parenthesis has its counterpart, so that the statement can stand in others as one piece. */
export function isClosed({ text }: SqlText): boolean {
  let depth = 0
  for (const { kind, text: sign } of tokensOf(text)) {
    if (kind !== 'symbol') continue
    if (sign === '(') depth++
    if (sign === ')' && --depth < 0) return false
  }
  return depth === 0
}

/** How the database would answer, or what it is set to: rows that come at once. */
export const isReport = ({ text, words }: SqlText): boolean =>
  words[0] === 'SHOW' || (words[0] === 'EXPLAIN' && EXPLAINED.test(text))

/** The text of the one statement that reads; nothing else may be in it. @throws INVALID_PARAMETER_VALUE */
export function requireOneQuery(sql: string): SqlText {
  const statements = readStatements(sql)
  const [statement] = statements
  if (!statement) throw invalidParameter('There is no statement.')
  if (statements.length > 1) throw invalidParameter('One statement at a time, please.')
  if (!isQuery(statement) && !isReport(statement)) throw notARead(statement)
  return statement
}

/** Characters of a statement on the embedded database, which plans it in memory that is never given back: some 2 GB for 360,000. */
const LONGEST = 100_000

/** Why the statement is not taken by the embedded database; undefined for one that is not too long. */
export const tooLong = ({ text }: SqlText): string | undefined =>
  text.length > LONGEST
    ? `The embedded database takes statements of ${LONGEST} characters at most.`
    : undefined

export const notARead = ({ words, text }: SqlText) =>
  invalidParameter(
    `Only SELECT, WITH, VALUES, TABLE, SHOW and EXPLAIN of these are taken, not ${words[0] ?? text.slice(0, 1)}: SQL reads, and the API writes.`,
  )

/**
 * Functions that PostgreSQL calls volatile and that change nothing but what they answer. All others of that kind may do things:
 * end sessions, take locks, read files, call other databases, run texts as statements.
 */
const HARMLESS = new Set([
  ...['random', 'random_normal', 'gen_random_uuid', 'uuidv4', 'uuidv7', 'clock_timestamp', 'timeofday'],
  ...['pg_is_in_recovery', 'pg_relation_size', 'pg_table_size', 'pg_indexes_size', 'pg_total_relation_size'],
  'pg_database_size',
])

/** Finds the names of functions that are judged by `refuseCalls`. */
export const VOLATILE_FUNCTIONS = `SELECT DISTINCT proname::text FROM pg_catalog.pg_proc WHERE provolatile = 'v'`

/** @throws INVALID_PARAMETER_VALUE for a statement that calls what may do more than answer */
export function refuseCalls({ calls }: SqlText, volatile: ReadonlySet<string>): void {
  const found = [...calls].find((name) => volatile.has(name) && !HARMLESS.has(name))
  if (found !== undefined)
    throw invalidParameter(`${found}() may do more than answer, so SQL that only reads cannot call it.`)
}

/** Targets and secrets of webhooks, and what is on its way to them. */
export const HIDDEN_TABLES = ['webhooks', 'webhook_deliveries']
/** What shows values of tables that it is not told by name. */
const SHOWS_ANY = /^(pg_stats|pg_statistic)$|_to_xml/

/**
 * Where the database itself cannot keep the server's user from a table, the table's name is enough.
 * @throws PERMISSION_DENIED for a statement that names what the server shows to nobody
 */
export function refuseHidden({ names }: SqlText): void {
  const found = [...names].find((name) => HIDDEN_TABLES.includes(name) || SHOWS_ANY.test(name))
  if (found !== undefined) throw new MlflowError('PERMISSION_DENIED', `SQL does not show ${found}.`)
}
