// How SQL is taken apart: statements, their first words, what they call.
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import {
  HIDDEN_TABLES,
  readStatements,
  refuseCalls,
  refuseHidden,
  requireOneQuery,
} from '../../../../src/platform/database/sql-text.ts'

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
    ['SELECT 1 /*/ ; */ + 1; SELECT 2', ['SELECT 1 /*/ ; */ + 1', 'SELECT 2']],
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
    'SELECT 1 AS \u00a0$$, pg_sleep(1) AS x$$',
    'SELECT 1 AS \ufeff$$, pg_sleep(1) AS x$$',
    'SELECT /* /* */ */ pg_sleep(1)',
    "SELECT 1 LIKE$$'$$, pg_sleep(1) --'",
  ])('is not read as each database does, hence refused: %j', (sql) => {
    expect(() => requireOneQuery(sql)).toThrow(/is not taken|cannot|double quotes/)
  })
})

describe('what SQL does not show', () => {
  it('is every table with a column that sounds like a secret', () => {
    const folder = join(import.meta.dirname, '../../../../migrations/postgres')
    const made = readdirSync(folder).flatMap((file) => [
      ...readFileSync(join(folder, file), 'utf8').matchAll(
        /CREATE TABLE IF NOT EXISTS (\w+) \(([\s\S]*?)^\);/gm,
      ),
    ])
    expect(made.length).toBeGreaterThan(20)
    const sounds = /^\s*\w*(secret|passw|api_key|private_key|salt|token|credential)[a-z_]* (TEXT|BYTEA)/m
    const secret = made.filter(([, , columns = '']) => sounds.test(columns)).map(([, table]) => table)
    expect(secret.length).toBeGreaterThan(0)
    expect(HIDDEN_TABLES).toEqual(expect.arrayContaining(secret))
  })

  it.each([
    'SELECT * FROM webhooks',
    'SELECT * FROM m."webhooks"',
    'SELECT 1 FROM WebHooks w',
    'TABLE webhook_deliveries',
  ])('is found by name: %s', (sql) => {
    expect(() => refuseHidden(requireOneQuery(sql))).toThrow('does not show')
  })
})
