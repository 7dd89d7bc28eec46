// Joins tokens into operands and comparisons, by the same precedence as the SQL reader that stock MLflow uses.
import { type Token, type TokenKind, tokenize } from './lexer.ts'

export type NodeKind =
  | TokenKind
  | 'parenthesis'
  | 'brackets'
  | 'function'
  | 'identifier'
  | 'typed-literal'
  | 'operation'
  | 'comparison'
  | 'list'
  | 'comment-block'

/** A token or a group of them; `text` is the source from the first to the last, spaces between them included. */
export interface Node {
  kind: NodeKind
  text: string
  start: number
  end: number
  /** Levels of nesting: 0 for a token. */
  depth: number
  /** Members of a group; only those of comparisons are read. */
  parts: Node[]
}

/** Limits of the reader that stock uses; they bound the work on hostile input. */
export const MAX_TOKENS = 10_000
export const MAX_DEPTH = 100

export class TooComplex extends Error {}

/**
 * The nodes of the only statement in a source, without the white space between them. Statements end at semicolons;
 * one of nothing but white space counts for none.
 * @throws TooComplex beyond MAX_TOKENS tokens (white space included) or MAX_DEPTH levels
 */
export function readStatement(source: string): Node[] | 'none' | 'several' {
  const tokens = takeStatement(tokenize(source))
  if (tokens === 'several') return tokens
  return tokens.every(isBlank) ? 'none' : groupStatement(source, tokens)
}

const isBlank = ({ kind }: { kind: NodeKind }) => kind === 'whitespace' || kind === 'newline'
const isLineComment = ({ kind, text }: Token) => kind === 'comment' && !text.startsWith('/*')

function takeStatement(tokens: Iterable<Token>): Token[] | 'several' {
  const statement: Token[] = []
  let level = 0
  let ended = false
  let left = false
  for (const token of tokens) {
    // Behind the semicolon, comments still belong to the statement until the line ends.
    if (ended && token.kind === 'newline') left = true
    if (ended && !isBlank(token) && (left || !isLineComment(token))) return 'several'
    if (left) continue
    statement.push(token)
    if (statement.length > MAX_TOKENS)
      throw new TooComplex(`Maximum number of tokens exceeded (${MAX_TOKENS}).`)
    if (token.kind !== 'punctuation') continue
    if (token.text === '(') level += 1
    else if (token.text === ')') level -= 1
    else if (token.text === ';' && level <= 0) ended = true
  }
  return statement
}

function groupStatement(source: string, tokens: Token[]): Node[] {
  let nodes = tokens.map((token): Node => ({ ...token, depth: 0, parts: [] }))
  const make = (kind: NodeKind, parts: Node[], extend = false) => group(source, kind, parts, extend)
  nodes = joinComments(nodes, make).filter((node) => !isBlank(node))
  nodes = joinEnclosed(nodes, 'brackets', '[', ']', make)
  nodes = joinEnclosed(nodes, 'parenthesis', '(', ')', make)
  nodes = joinPairs(nodes, 'function', isAny('name', 'placeholder', 'type'), isAny('parenthesis'), make)
  for (const step of STEPS) nodes = step(nodes, make)
  return nodes
}

type Make = (kind: NodeKind, parts: Node[], extend?: boolean) => Node
type Test = (node: Node) => boolean

function group(source: string, kind: NodeKind, parts: Node[], extend: boolean): Node {
  const [first, ...rest] = parts as [Node, ...Node[]]
  const extended = extend && first.kind === kind
  const start = first.start
  const end = (rest.at(-1) ?? first).end
  const inner = Math.max(...(extended ? rest : parts).map((part) => part.depth)) + 1
  const depth = extended ? Math.max(first.depth, inner) : inner
  if (depth > MAX_DEPTH) throw new TooComplex(`Maximum grouping depth exceeded (${MAX_DEPTH}).`)
  // The extended group is not used any more, so its parts can be handed on instead of copied.
  if (extended) first.parts.push(...rest)
  return { kind, text: source.slice(start, end), start, end, depth, parts: extended ? first.parts : parts }
}

const isAny =
  (...kinds: NodeKind[]): Test =>
  ({ kind }) =>
    kinds.includes(kind)
const isToken =
  (kind: TokenKind, ...texts: string[]): Test =>
  (node) =>
    node.kind === kind && texts.includes(kind === 'keyword' ? node.text.toUpperCase() : node.text)
const either =
  (...tests: Test[]): Test =>
  (node) =>
    tests.some((test) => test(node))

/** Comments and the line breaks right behind them become one block, unless nothing follows. */
function joinComments(nodes: Node[], make: Make): Node[] {
  const out: Node[] = []
  for (let index = 0; index < nodes.length; ) {
    let next = index
    if (nodes[index]?.kind === 'comment') {
      while (nodes[next]?.kind === 'comment' || nodes[next]?.kind === 'newline') next += 1
      if (next === nodes.length) return out.concat(nodes.slice(index))
    }
    if (next > index) out.push(make('comment-block', nodes.slice(index, next)))
    else out.push(nodes[next++] as Node)
    index = next
  }
  return out
}

/** Brackets that match become groups, innermost first; others stay as they are. */
function joinEnclosed(nodes: Node[], kind: NodeKind, open: string, close: string, make: Make): Node[] {
  const out: Node[] = []
  const opened: number[] = []
  const isOpen = isToken('punctuation', open)
  const isClose = isToken('punctuation', close)
  for (const node of nodes) {
    if (isOpen(node)) opened.push(out.length)
    out.push(node)
    const from = isClose(node) ? opened.pop() : undefined
    if (from !== undefined) out.push(make(kind, out.splice(from)))
  }
  return out
}

/** Two neighbours become one. */
function joinPairs(
  nodes: Node[],
  kind: NodeKind,
  first: Test,
  second: Test,
  make: Make,
  extend = false,
): Node[] {
  const out: Node[] = []
  for (let index = 0; index < nodes.length; index++) {
    const node = nodes[index] as Node
    const next = nodes[index + 1]
    if (next && first(node) && second(next)) {
      out.push(make(kind, [node, next], extend))
      index += 1
    } else out.push(node)
  }
  return out
}

/** What ends in a fitting operand and the token behind it become one. */
function joinBehind(
  nodes: Node[],
  kind: NodeKind,
  before: Test,
  token: Test,
  make: Make,
  extend: boolean,
): Node[] {
  const out: Node[] = []
  for (const node of nodes) {
    const previous = out.at(-1)
    if (previous && token(node) && before(previous)) {
      out.pop()
      out.push(make(kind, [previous, node], extend))
    } else out.push(node)
  }
  return out
}

interface Infix {
  kind: NodeKind
  operator: Test
  before: Test
  after: Test
  /** Without a fitting operand behind it, the operator still joins what is before it. */
  dangling?: boolean
  extend?: boolean
}

/**
 * `before operator after` becomes one, and goes on as the left side of the next operator. Whether it may is judged by
 * the operand right before that operator, not by the group: hence `a > 1 > 2` is a comparison of a comparison.
 * An operand that is an operator as well (`a AS as b`) takes what follows into the group.
 */
function joinInfix(nodes: Node[], infix: Infix, make: Make): Node[] {
  const out: Node[] = []
  let previous: Node | undefined
  let next = 0
  const takeOperand = (): Node[] => {
    const operand = nodes[next]
    if (!operand || !infix.after(operand)) return []
    next += 1
    return [operand]
  }
  while (next < nodes.length) {
    const node = nodes[next++] as Node
    const joins = previous !== undefined && infix.operator(node) && infix.before(previous)
    const operand = joins ? takeOperand() : []
    previous = operand[0] ?? node
    if (!joins || (operand.length === 0 && !infix.dangling)) {
      out.push(node)
      continue
    }
    let group = make(infix.kind, [out.pop() as Node, node, ...operand], infix.extend)
    if (operand.length === 0) previous = group
    while (previous !== group && infix.operator(previous) && infix.before(group)) {
      const [more] = takeOperand()
      if (!more) break
      group = make(infix.kind, [group, more], infix.extend)
      previous = more
    }
    out.push(group)
  }
  return out
}

const NAMES: NodeKind[] = ['name', 'symbol']
const VALUES: NodeKind[] = ['integer', 'float', 'string', 'placeholder', ...NAMES]
const OPERANDS: NodeKind[] = [
  'parenthesis',
  'function',
  'identifier',
  'operation',
  'typed-literal',
  ...VALUES,
]
const isNull = isToken('keyword', 'NULL')
const isAnything: Test = () => true

/** `params.lr`, `tags.'a b'`, `metrics.acc(train)`; a dot may also end the name. */
const PERIOD: Infix = {
  kind: 'identifier',
  operator: either(isToken('punctuation', '.'), isToken('operator', '->', '->>')),
  before: isAny('brackets', 'identifier', ...NAMES),
  after: isAny('brackets', 'function', 'wildcard', 'string', ...NAMES),
  dangling: true,
  extend: true,
}
const TYPE_CAST: Infix = {
  kind: 'identifier',
  operator: isToken('punctuation', '::'),
  before: isAnything,
  after: isAnything,
  extend: true,
}
const isOperand = isAny('brackets', ...OPERANDS)
const OPERATION: Infix = {
  kind: 'operation',
  operator: isAny('operator', 'wildcard'),
  before: isOperand,
  after: isOperand,
}
const isCompared = either(isAny(...OPERANDS), isNull)
const COMPARISON: Infix = {
  kind: 'comparison',
  operator: isAny('comparator'),
  before: isCompared,
  after: isCompared,
}
const ALIAS_BY_AS: Infix = {
  kind: 'identifier',
  operator: isToken('keyword', 'AS'),
  before: either(isNull, (node) => node.kind !== 'keyword' && node.kind !== 'order'),
  after: isAnything,
  extend: true,
}
const isAssigned: Test = ({ kind }) => kind !== 'keyword'
const ASSIGNMENT: Infix = {
  kind: 'assignment',
  operator: isToken('assignment', ':='),
  before: isAssigned,
  after: isAssigned,
  extend: true,
}
const isListed = either(
  isAny('function', 'identifier', 'comparison', 'list', 'operation', 'keyword', 'wildcard', ...VALUES),
)
const LIST: Infix = {
  kind: 'list',
  operator: isToken('punctuation', ','),
  before: isListed,
  after: isListed,
  extend: true,
}

const isNumber = isAny('integer', 'float', 'hexadecimal')
const isAliased = either(isNumber, isAny('parenthesis', 'function', 'identifier', 'operation', 'comparison'))
const isGroup: Test = (node) => node.parts.length > 0

/** In the order in which they bind. */
const STEPS: ((nodes: Node[], make: Make) => Node[])[] = [
  (nodes, make) => joinInfix(nodes, PERIOD, make),
  (nodes, make) =>
    joinBehind(
      nodes,
      'identifier',
      isAny('brackets', 'identifier', 'function', ...NAMES),
      isAny('brackets'),
      make,
      true,
    ),
  (nodes, make) => nodes.map((node) => (isAny(...NAMES)(node) ? make('identifier', [node]) : node)),
  (nodes, make) =>
    joinBehind(nodes, 'identifier', either(isAny('identifier'), isNumber), isAny('order'), make, false),
  (nodes, make) => joinInfix(nodes, TYPE_CAST, make),
  (nodes, make) => joinTypedLiterals(nodes, make),
  (nodes, make) => joinInfix(nodes, OPERATION, make),
  (nodes, make) => joinInfix(nodes, COMPARISON, make),
  (nodes, make) => joinInfix(nodes, ALIAS_BY_AS, make),
  (nodes, make) => joinPairs(nodes, 'identifier', isAliased, isAny('identifier'), make, true),
  (nodes, make) => joinInfix(nodes, ASSIGNMENT, make),
  (nodes, make) => joinBlocks(nodes, make),
  (nodes, make) => joinInfix(nodes, LIST, make),
]

/** `date '2020-01-01'`, but not as the very first thing. */
function joinTypedLiterals([first, ...rest]: Node[], make: Make): Node[] {
  return first ? [first, ...joinPairs(rest, 'typed-literal', isAny('type'), isAny('string'), make)] : []
}

/** A comment block belongs to the group before it: `run_id /* c *\/` is one name. */
function joinBlocks(nodes: Node[], make: Make): Node[] {
  const out: Node[] = []
  for (const node of nodes) {
    const previous = out.at(-1)
    if (node.kind === 'comment-block' && previous && isGroup(previous)) {
      out[out.length - 1] = make(previous.kind, [previous, node], true)
    } else out.push(node)
  }
  return out
}
