// The grammar of filter strings: from tokens to clauses. What a clause means is up to each area (area.ts).
//
//   filter     = { clause | "AND" } ;                    (* "AND" may be left out or repeated, as in stock *)
//   clause     = identifier comparator operand
//              | identifier "IN" list | identifier "NOT" "IN" list
//              | identifier "IS" "NULL" | identifier "IS" "NOT NULL" ;
//   identifier = [ entity "." ] key [ order ] ;
//   entity     = word | backticked ;                     (* "metrics", "params", "tags", … *)
//   key        = part { "." part } [ "." ] { "[" … "]" } [ "::" operand ] ;
//   part       = word | backticked | symbol | string | call | "*" ;
//   call       = word list ;                             (* metrics.acc(train) *)
//   comparator = "=" | "!=" | "<" | "<=" | ">" | ">=" | [ "NOT" ] ( "LIKE" | "ILIKE" | "RLIKE" )
//              | any run of the characters < > = ~ ! ;   (* areas refuse those that they do not know *)
//   operand    = string | symbol | number | identifier | list | operation | "NULL" ;
//   operation  = operand ( "+" | "-" | "*" | "/" | … ) operand ;    (* never valid, but told as a whole *)
//   list       = "(" … ")" ;                             (* balanced; read by list-literal.ts *)
//   string     = "'" { character | "''" | "\'" } "'" ;   (* taken literally: neither pair is undone *)
//   symbol     = '"' { character | '""' | '\"' } '"' ;
//   backticked = "`" { character | "``" } "`" ;
//   word       = letter { letter | digit | "_" } ;       (* no SQL keyword, unless it follows a dot *)
//   number     = [ "-" ] digits [ "." [ digits ] ] [ "E" [ "-" ] digits ] | [ "-" ] "." digits ;
//
// Keywords may be in any case. A key with dashes, spaces or keywords like "from" in it needs backticks or quotes.
// Precedence, from tight to loose: "()" "[]"; calls; "."; order; "::"; arithmetic; comparators; "AS"; aliases; ",".
import { invalidParameter } from '../../errors.ts'
import { pythonRepr } from '../wire/python.ts'
import { type Node, readStatement, TooComplex } from './grouping.ts'

/** `identifier comparator value` as written; `value` is absent for IS NULL and IS NOT NULL. */
export interface Clause {
  identifier: string
  comparator: string
  value?: Node
}

/** What stands between the ANDs: the parts of a clause, or a text that is none. */
export type Item = { parts: Node[]; text: string } | { invalid: string }

/**
 * Reads a filter up to its parts. Linear in its length; 10,000 tokens and 100 levels at most.
 * @throws INVALID_PARAMETER_VALUE when it is no single statement
 * @see mlflow/utils/search_utils.py SearchUtils.parse_search_filter
 */
export const readFilter = (filter: string): Item[] => readItems(readNodes(filter))

/** The same before parts are put together: operands, comparisons and what is neither. */
export function readNodes(filter: string): readonly Node[] {
  const statement = readOrRefuse(filter, () => `Error on parsing filter '${filter}'`)
  if (statement === 'none') throw invalidParameter(`Invalid filter '${filter}'. Could not be parsed.`)
  if (statement === 'several') {
    throw invalidParameter(
      `Search filter contained multiple expression ${pythonRepr(filter)}. Provide AND-ed expression list.`,
    )
  }
  return statement
}

/** The statement, or the given refusal when the text is too long, too deep or holds a NUL, which no text value has. */
export function readOrRefuse(
  text: string,
  refusal: (reason: string) => string,
): ReturnType<typeof readStatement> {
  if (text.includes('\0')) throw invalidParameter(refusal('NUL characters are not allowed.'))
  try {
    return readStatement(text)
  } catch (error) {
    if (error instanceof TooComplex) throw invalidParameter(refusal(error.message))
    throw error
  }
}

/**
 * Tells the clauses and the rest apart; IN, NOT IN and IS [NOT] NULL are put together here.
 * @see mlflow/utils/search_utils.py _join_in_comparison_tokens
 */
export function readItems(nodes: readonly Node[]): Item[] {
  const items: Item[] = []
  const leave = (left: readonly Node[]) => {
    for (const node of left) if (!isKeyword(node, 'AND')) items.push(itemOf(node))
  }
  for (let index = 0; index < nodes.length; ) {
    const [first, second, third, fourth] = nodes.slice(index, index + 4)
    if (!first || !second || !third || first.kind !== 'identifier') {
      leave(first ? [first] : [])
      index += 1
      continue
    }
    const worded = wordedClause(first, second, third, fourth)
    if (worded) items.push(worded.item)
    // Stock takes four at once here, whatever they are; it shows in the text of the error only.
    else leave(nodes.slice(index, index + 4))
    index += worded?.length ?? 4
  }
  return items
}

const isKeyword = (node: Node | undefined, word: string) =>
  node?.kind === 'keyword' && node.text.toUpperCase() === word

function itemOf(node: Node): Item {
  return node.kind === 'comparison' ? { parts: node.parts, text: node.text } : { invalid: node.text }
}

function wordedClause(first: Node, second: Node, third: Node, fourth: Node | undefined) {
  const clause = (comparator: Node, value?: Node) => {
    const parts = value ? [first, comparator, value] : [first, comparator]
    return { parts, text: parts.map(({ text }) => text).join('') }
  }
  if (isKeyword(second, 'IN') && third.kind === 'parenthesis') {
    return { item: clause(second, third), length: 3 }
  }
  // `NOT NULL` is one keyword, with one space in it.
  const isNull = isKeyword(third, 'NULL') ? 'IS NULL' : isKeyword(third, 'NOT NULL') && 'IS NOT NULL'
  if (isKeyword(second, 'IS') && isNull) return { item: clause({ ...third, text: isNull }), length: 3 }
  if (isKeyword(second, 'NOT') && isKeyword(third, 'IN') && fourth?.kind === 'parenthesis') {
    return { item: clause({ ...third, text: 'NOT IN' }, fourth), length: 4 }
  }
  return undefined
}

/**
 * The clause that the parts make.
 * @throws INVALID_PARAMETER_VALUE when the left side is no identifier
 * @see mlflow/utils/search_utils.py SearchUtils._validate_comparison
 */
export function clauseOf(parts: readonly Node[]): Clause {
  const [left, comparator, value, extra] = parts
  if (!left || !comparator || extra) {
    throw invalidParameter(`Invalid comparison clause. Expected 3 tokens found ${parts.length}`)
  }
  if (left.kind !== 'identifier') {
    throw invalidParameter(`Invalid comparison clause. Expected 'Identifier' found '${left.text}'`)
  }
  return { identifier: left.text, comparator: comparator.text, ...(value && { value }) }
}
