// Runs the worked example of docs/moving.md step by step: a table of PostgreSQL into an embedded store.
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { engineTarget } from '../support/engines.ts'
import { startServer } from '../support/server.ts'
import { missing, useService } from '../support/services.ts'
import { runMove } from './import.ts'

const TIMEOUT_MS = 120_000

/** The blocks of the example: their language and text. */
function blocks(): { language: string; text: string }[] {
  const text = readFileSync(join(import.meta.dirname, '../../docs/moving.md'), 'utf8')
  const [, section = ''] = /<!-- worked example:.*?-->\n([\s\S]*?)\n### /.exec(text) ?? []
  return [...section.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].map(([, language = '', body = '']) => ({
    language,
    text: body,
  }))
}

/** What is different each time. */
const comparable = (text: string) => text.replace(/\d+\.\d s$/gm, '… s')

describe.skipIf(missing('postgres'))('the worked example of docs/moving.md', () => {
  const store = engineTarget('PGlite')

  it(
    'says what each step comes to',
    async () => {
      const server = new URL((await useService('postgres')).uri)
      const admin = new pg.Client(server.href)
      await admin.connect()
      const database = `plant_${process.pid}`
      await admin.query(`CREATE DATABASE ${database}`)
      server.pathname = `/${database}`
      const source = new pg.Client(server.href)
      await source.connect()
      const folder = await mkdtemp(join(tmpdir(), 'crateflow-example-'))
      try {
        await source.query('CREATE SCHEMA forecast')
        let shown = ''
        const steps = blocks()
        const question = steps.pop()
        for (const { language, text } of steps) {
          if (language === 'sql') await source.query(text)
          else if (language === 'yaml') await writeFile(join(folder, 'map.yaml'), text)
          else if (language === 'sh') shown = await runShell(text, server.href, folder)
          else
            for (const line of comparable(text).trim().split('\n')) expect(comparable(shown)).toContain(line)
        }
        const running = await startServer({ backendStoreUri: store.uri })
        const { body } = await running.request('POST', '/api/crateflow/1.0/sql/query', {
          statement: question?.text.replace(/;\s*$/, ''),
        })
        await running.stop()
        const rows = String(body)
          .trim()
          .split('\n')
          .slice(1, -1)
          .map((line) => JSON.parse(line))
        expect(rows.map(([name, version]) => `${name} ${version}`)).toEqual([
          'load 2026-01',
          'load 2026-02',
          'wind v2',
        ])
        expect(rows[2].slice(3)).toEqual([
          { depth: '4', horizon_hours: '48' },
          { mae: 7 },
          's3://models/wind/2',
        ])
      } finally {
        await source.end()
        await admin.query(`DROP DATABASE ${database}`)
        await admin.end()
        await rm(folder, { recursive: true })
      }
    },
    TIMEOUT_MS,
  )

  /** Runs the commands; those of the program with the database and the store of the test. @returns what they print */
  async function runShell(text: string, from: string, folder: string): Promise<string> {
    let shown = ''
    for (const line of text.trim().split('\n')) {
      const [program = '', ...args] = line.split(' ')
      if (program === 'crateflow') {
        const own = args.map((arg) => (arg.startsWith('postgresql://') ? from : arg))
        shown += (await runMove([...own, '--to', store.uri], { cwd: folder })).stdout
      } else await promisify(execFile)('sh', ['-c', line], { cwd: folder })
    }
    return shown
  }
})
