import stringWidth from 'string-width'
import { describe, expect, it } from 'vitest'
import { type Column, cut, layOut, lineOf } from '../../../src/cli/table.ts'
import { visible, visibleJson } from '../../../src/cli/visible.ts'

const COLUMNS: Column[] = [
  { title: 'ID' },
  { title: 'NAME', least: 8 },
  { title: 'LOSS', alignsRight: true, rank: 1 },
  { title: 'NOTE', least: 10, rank: 2 },
]
const ROWS = [
  ['0123456789abcdef', 'a name of some length', '0.5', 'something that was noted'],
  ['0123456789abcdef', '日本語の実験', '12.25', '-'],
].map((row) => row.map((text) => ({ text })))

function linesAt(width: number | undefined): string[] {
  const layout = layOut(COLUMNS, ROWS, width)
  const terminal = { width, paint: (text: string) => text }
  return ROWS.map((row) => lineOf(row, { columns: COLUMNS, layout, terminal }))
}

describe('a table', () => {
  it('is whole where there is no terminal', () => {
    expect(linesAt(undefined)).toEqual([
      '0123456789abcdef  a name of some length    0.5  something that was noted',
      '0123456789abcdef  日本語の実験           12.25  -',
    ])
  })

  it('fits its terminal: texts are cut first, then columns are left out, ids never', () => {
    expect(linesAt(60)).toEqual([
      '0123456789abcdef  a name of some l…    0.5  something that …',
      '0123456789abcdef  日本語の実験       12.25  -',
    ])
    expect(linesAt(40)).toEqual([
      '0123456789abcdef  a name of some…    0.5',
      '0123456789abcdef  日本語の実験     12.25',
    ])
    expect(linesAt(30)).toEqual(['0123456789abcdef  a name of s…', '0123456789abcdef  日本語の実験'])
    expect(linesAt(10)[0]).toBe('0123456789abcdef  a name …')
  })

  it.each([26, 33, 40, 47, 60, 80, 120])('is never wider than %d columns', (width) => {
    for (const line of linesAt(width)) expect(stringWidth(line)).toBeLessThanOrEqual(width)
  })

  it.each([
    ['abc', 3, 'abc'],
    ['abcd', 3, 'ab…'],
    ['日本語', 4, '日…'],
    ['👩‍👩‍👧‍👦 family', 4, '👩‍👩‍👧‍👦 …'],
    ['e\u0301e\u0301e\u0301', 2, 'e\u0301…'],
  ])('cuts %j to %d columns', (text, width, short) => {
    expect(cut(text, width)).toBe(short)
  })

  it('cuts texts of any length', () => {
    expect(cut('x'.repeat(1_000_000), 5)).toBe('xxxx…')
  })
})

describe('texts of others', () => {
  it('are shown without what a terminal would obey', () => {
    expect(visible('a\u001b[2J\u009b1m\nb\t\u202ec')).toBe('a\\x1b[2J\\x9b1m\\nb\\t\\u202ec')
  })

  it('are the same in JSON', () => {
    const value = { name: 'a\u001b[2J\u009b1m\nb\u202e' }
    const json = visibleJson(JSON.stringify(value))
    expect(json).toBe('{"name":"a\\u001b[2J\\u009b1m\\nb\\u202e"}')
    expect(JSON.parse(json)).toEqual(value)
  })
})
