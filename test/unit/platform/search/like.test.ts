import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { atomicRegex, backtracks, shortestPattern } from '../../../../src/platform/search/like.ts'

/** LIKE, spelled out: whether the text matches the pattern, by dynamic programming. */
function isLike(text: string, pattern: string): boolean {
  let reached = new Set([0])
  for (const wildcard of pattern) {
    const next = new Set<number>()
    for (const at of reached) {
      if (wildcard === '%') for (let end = at; end <= text.length; end++) next.add(end)
      else if (at < text.length && (wildcard === '_' || wildcard === text[at])) next.add(at + 1)
    }
    reached = next
  }
  return reached.has(text.length)
}

/** JavaScript has no atomic groups; a lookahead that is captured and then consumed is one. */
function matches(text: string, pattern: string): boolean {
  let group = 0
  const source = atomicRegex(pattern)
    .replace('(?s)', '')
    .replace(/\\(["#&<>~@-])/g, '\\x{$1}')
    .replace(/\\x\{(.)\}/g, (_all, c: string) => `\\x${c.charCodeAt(0).toString(16).padStart(2, '0')}`)
    .replace(/\(\?>((?:\\.|[^)\\])*)\)/g, (_all, inner: string) => `(?=(${inner}))\\${++group}`)
  return new RegExp(`^(?:${source})$`, 's').test(text)
}

const pattern = fc.string({
  unit: fc.constantFrom('a', 'b', '%', '_', '.', '*', '(', '\\', '-', '\n'),
  maxLength: 8,
})
const text = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '(', '\\', '-', '\n'), maxLength: 10 })

describe('LIKE patterns', () => {
  it('mean the same in their shortest spelling and as a regular expression', () => {
    fc.assert(
      fc.property(text, pattern, (value, written) => {
        expect(isLike(value, shortestPattern(written))).toBe(isLike(value, written))
        expect(matches(value, shortestPattern(written))).toBe(isLike(value, written))
      }),
      { numRuns: 3000 },
    )
  })

  it.each([
    ['%%%', '%'],
    ['a%_%_b', 'a__%b'],
    ['__', '__'],
    ['', ''],
  ])('lose repeated wildcards: %s', (written, shortest) => {
    expect(shortestPattern(written)).toBe(shortest)
  })

  it.each(['%a%b', 'a%b%c', '%a%b%', `%${'_'.repeat(6)}`])('may backtrack: %s', (written) => {
    expect(backtracks(written)).toBe(true)
  })

  it.each(['', 'a', 'a%', '%a', '%a%', 'a%b', '%'])('are left as they are otherwise: %s', (written) => {
    expect(backtracks(written)).toBe(false)
  })

  it('are refused beyond 8,000 characters', () => {
    expect(() => shortestPattern('a'.repeat(8001))).toThrow('A pattern can have at most 8000 characters.')
  })
})
