// LIKE patterns: their shortest spelling, and regular expressions for engines that match LIKE by backtracking.
import { invalidParameter } from '../../errors.ts'

/** Longest pattern in characters, as long as the longest value of a tag of a run. */
const MAX_PATTERN_LENGTH = 8000
/** Wildcards for one character that CrateDB's automata take beside `%`; each may double their size. */
const MAX_SINGLE_WILDCARDS = 5

/**
 * The same pattern without repeated `%`, which engines would try in all combinations: `a%%_%` gives `a_%`.
 * @throws INVALID_PARAMETER_VALUE for one that is too long
 */
export function shortestPattern(pattern: string): string {
  if (pattern.length > MAX_PATTERN_LENGTH) {
    throw invalidParameter(`A pattern can have at most ${MAX_PATTERN_LENGTH} characters.`)
  }
  return pattern.replace(/[%_]+/g, (run) => (run.includes('%') ? `${run.replaceAll('%', '')}%` : run))
}

/** Whether the pattern has more than one place from which a backtracking matcher would try again. */
export function backtracks(pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('%')
  const last = rest.pop()
  if (last === undefined) return false
  const inner = rest.filter((segment) => segment !== '').length
  if (inner > 1 || (inner === 1 && (first !== '' || last !== ''))) return true
  return pattern.split('_').length - 1 > MAX_SINGLE_WILDCARDS
}

/**
 * A regular expression (Java's) for the whole text that takes time in proportion to it: what an atomic group has
 * found first is never looked for again, which is right for LIKE, since `%` takes whatever comes between.
 */
export function atomicRegex(pattern: string): string {
  const [first = '', ...rest] = pattern.split('%')
  const last = rest.pop()
  const inner = rest.filter((segment) => segment !== '').map((segment) => `(?>.*?${literal(segment)})`)
  return `(?s)${literal(first)}${inner.join('')}${last === undefined ? '' : `.*${literal(last)}`}`
}

const literal = (segment: string): string =>
  segment.replace(/[\\^$.|?*+()[\]{}"#&<>~@/-]/g, '\\$&').replaceAll('_', '.')
