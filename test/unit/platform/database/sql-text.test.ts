// How SQL is taken apart: statements, their first words, what they call.
import { describe, expect, it } from 'vitest'
import { readStatements, refuseCalls, requireOneQuery } from '../../../../src/platform/database/sql-text.ts'

const VOLATILE = new Set(['pg_sleep', 'random', 'nextval', 'Mine'])
const textsOf = (sql: string) => readStatements(sql).map(({ text }) => text)

describe('statements of a text', () => {
  it.each<[string, string[]]>([
    ['', []],
    [' ; -- nothing\n ; /* ; */', []],
    ['SELECT 1', ['SELECT 1']],
    ['SELECT 1; SELECT 2;', ['SELECT 1', 'SELECT 2']],
    ["SELECT ';'; SELECT 2", ["SELECT ';'", 'SELECT 2']],
    ["SELECT 'it''s;'", ["SELECT 'it''s;'"]],
    ["SELECT E'\\';'; SELECT 2", ["SELECT E'\\';'", 'SELECT 2']],
    ["SELECT '\\'; SELECT 2", ["SELECT '\\'", 'SELECT 2']],
    ['SELECT ";"; SELECT 2', ['SELECT ";"', 'SELECT 2']],
    ['SELECT $$;$$; SELECT 2', ['SELECT $$;$$', 'SELECT 2']],
    ['SELECT $a$ $b$ ; $a$; SELECT 2', ['SELECT $a$ $b$ ; $a$', 'SELECT 2']],
    ['SELECT a$b$; SELECT $b$', ['SELECT a$b$', 'SELECT $b$']],
    ['SELECT 1 /* /* ; */ ; */ + 1; SELECT 2', ['SELECT 1 /* /* ; */ ; */ + 1', 'SELECT 2']],
    ['SELECT 1 -- ; */\n+ 1', ['SELECT 1 -- ; */\n+ 1']],
    ['SELECT $1; SELECT 2', ['SELECT $1', 'SELECT 2']],
  ])('%j', (sql, texts) => {
    expect(textsOf(sql)).toEqual(texts)
  })
})

describe('what a statement calls', () => {
  it.each([
    'SELECT pg_sleep(1)',
    'SELECT PG_Sleep (1)',
    'SELECT pg_catalog.pg_sleep(1)',
    'SELECT "pg_sleep"(1)',
    'SELECT pg_sleep/* x */\n--y\n(1)',
    "SELECT 'a' || pg_sleep(1)",
    "SELECT E'\\'' || pg_sleep(1) || ''",
    'SELECT $x$ $y$ $x$ || pg_sleep(1)',
    'SELECT 1.pg_sleep(1)',
    'SELECT 1e5pg_sleep(1)',
    'SELECT a[1].pg_sleep(1)',
    'SELECT 1+pg_sleep(1)',
    'SELECT /* /* */ */ pg_sleep(1)',
    'SELECT "Mine"()',
    "SELECT * FROM (SELECT nextval('x')) q",
  ])('is refused: %s', (sql) => {
    expect(() => refuseCalls(requireOneQuery(sql), VOLATILE)).toThrow('may do more than answer')
  })

  it.each([
    "SELECT 'pg_sleep(1)'",
    'SELECT $$pg_sleep(1)$$',
    'SELECT 1 -- pg_sleep(1)',
    'SELECT /* pg_sleep(1) */ 1',
    'SELECT pg_sleep FROM naps',
    'SELECT random(), mine()',
  ])('is taken: %s', (sql) => {
    refuseCalls(requireOneQuery(sql), VOLATILE)
  })

  it.each([
    "SELECT E'a'\n'\\' || ' pg_sleep(1) || '",
    "SELECT E'a' -- x\n'\\'",
    'SELECT U&"pg\\005fsleep"(1)',
    "SELECT u&'x'",
  ])('is not read as PostgreSQL does, hence refused: %j', (sql) => {
    expect(() => requireOneQuery(sql)).toThrow(/is not taken|cannot go on/)
  })
})
