// Statements as `crateflow status` shows them: without texts and numbers, however those are written.
import { describe, expect, it } from 'vitest'
import { withoutValues } from '../../../../src/platform/database/status.ts'

describe('withoutValues', () => {
  it.each([
    ["SELECT 'a''b', 1", 'SELECT ?, …'],
    ["SELECT 'C:\\', secret, 'x'", 'SELECT ?, secret, ?'],
    ["SELECT E'it\\'s secret', e'\\\\' || 'x'", 'SELECT ?, … || ?'],
    [
      'SELECT "name 1", t1.c2 FROM t1 WHERE x=$1 AND y > -1.5e-7',
      'SELECT "name 1", t1.c2 FROM t1 WHERE x=$1 AND y > -?',
    ],
    ['SELECT $$secret$$, $a$ secret $$ $a$, $1', 'SELECT ?, …, $1'],
    ['SELECT 1 -- secret\n, /* secret */ x', 'SELECT ? , x'],
    ["INSERT INTO t VALUES (1, 'a'),\n (2, 'b')", 'INSERT INTO t VALUES (?, …), (?, …)'],
    ["SELECT 'never closed", 'SELECT ?'],
    ['SELECT /* never closed', 'SELECT'],
    ['SELECT .5, 0x1F, 1_000', 'SELECT ?, …'],
  ])('%s', (statement, shown) => {
    expect(withoutValues(statement)).toBe(shown)
  })

  it('shortens what is long, in little time', () => {
    const long = `SELECT ${'a, '.repeat(1e6)}`
    expect(withoutValues(long)).toHaveLength(301)
    expect(withoutValues(`SELECT '${"''".repeat(1e6)}`)).toBe('SELECT ?')
  })
})
