// The Java client of Maven Central gets from this server what it gets from stock MLflow. `npm run test:clients` runs it.
import { execFile } from 'node:child_process'
import { delimiter, dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { besideStock } from '../python/servers.ts'
import { describeEachEngine } from '../support/engines.ts'
import { missing, useService } from '../support/services.ts'
import { javaClient, lackingJava } from './maven.ts'

const PROGRAMS = join(import.meta.dirname, 'programs')
const CHECKS = [
  'experiments',
  'fluent run',
  'histories',
  'batches',
  'runs',
  'searches',
  'artifacts',
  'registry',
  'refusals',
]

/** Ids of runs, and of experiments in stock's store and in this server's. */
const IDS = /\b([0-9a-f]{32}|\d{6}|\d{18})\b/g

const run = promisify(execFile)

/** What each check answers, by its name. Artifacts go through the `mlflow` command, which the client calls. */
async function answers(url: string): Promise<Record<string, string>> {
  const { command } = await useService('python')
  const { stdout } = await run('java', ['-cp', await javaClient(), join(PROGRAMS, 'Checks.java')], {
    env: {
      ...process.env,
      MLFLOW_TRACKING_URI: url,
      MLFLOW_DISABLE_TELEMETRY: 'true',
      PATH: [dirname(command), process.env.PATH].join(delimiter),
    },
    maxBuffer: 1e8,
  })
  const lines = stdout.trim().split('\n')
  return Object.fromEntries(lines.map((line) => renamed(line).split('\t') as [string, string]))
}

const renamed = (line: string): string => line.replace(IDS, '<id>')

const reason = lackingJava() || missing('stock')

describe.skipIf(reason)(`Java client${reason && ` (${reason})`}`, () => {
  const answersOn = besideStock(answers)

  describeEachEngine(
    'works as with stock MLflow',
    (target) => {
      const answers = answersOn(target)

      it.each(CHECKS)('%s', (name) => {
        expect(answers.expected[name]).toMatch(/^(?!FAILED)./)
        expect(answers.ours[name]).toBe(answers.expected[name])
      })
    },
    ['PGlite', 'CrateDB'],
  )
})
