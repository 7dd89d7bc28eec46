// Stock Python clients of many versions get from this server what they get from stock MLflow's 3.17.2.
// Each file of requirements/ is a version; `npm run test:clients` tries all of them.
import { readdirSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parseJson } from '../../src/platform/wire/int64.ts'
import { copyPrograms, runClient } from '../python/client.ts'
import { besideStock } from '../python/servers.ts'
import { describeEachEngine, type EngineName } from '../support/engines.ts'
import { makeEnvironment } from '../support/services/virtual-environment.ts'
import { missing, useService } from '../support/services.ts'
import { CHECKS, isAtLeast } from './checks.ts'

const REQUIREMENTS = join(import.meta.dirname, 'requirements')
const ENVIRONMENTS = join(import.meta.dirname, '../../.cache/clients')
const BOTH: EngineName[] = ['PGlite', 'CrateDB']
/** What `npm test` tries. */
const NEWEST: [version: string, engines: EngineName[]][] = [['3.18.0', ['CrateDB']]]

const all = readdirSync(REQUIREMENTS).map((name) => [name.replace(/\.txt$/, ''), BOTH] as const)
const clients = process.env.TEST_CLIENTS === 'all' ? all : NEWEST

type Answers = Record<string, { answer?: unknown; failed?: string }>

/** The Python of an environment that holds the client above the packages of the tests' own MLflow. */
async function clientPython(version: string): Promise<string> {
  const folder = join(ENVIRONMENTS, version)
  const reason = await makeEnvironment({
    folder,
    requirements: join(REQUIREMENTS, `${version}.txt`),
    holds: `the MLflow client ${version}`,
    over: (await useService('python')).command,
  })
  if (reason) throw new Error(reason)
  return join(folder, 'bin', 'python')
}

describe.skipIf(missing('stock')).each(clients)('client %s', (version, engines) => {
  const programs = copyPrograms(join(import.meta.dirname, 'programs'))
  const harness = copyPrograms(join(import.meta.dirname, '../python/features'))
  const wanted = Object.entries(CHECKS).map(([program, checks]) => {
    const known = Object.entries(checks).filter(([, { since }]) => !since || isAtLeast(version, since))
    return [program, known] as const
  })

  /** Answers by program and name of the check. */
  async function run(url: string): Promise<Record<string, Answers>> {
    const python = await clientPython(version)
    const answers: Record<string, Answers> = {}
    for (const [program, checks] of wanted) {
      const args = [join(programs.folder, `${program}.py`), ...checks.map(([name]) => name)]
      const path = [harness.folder, process.env.PYTHONPATH].filter(Boolean).join(delimiter)
      const printed = await runClient(url, args, { PYTHONPATH: path }, python)
      // Clients print too: the answers are the last line.
      answers[program] = parseJson(printed.trim().split('\n').at(-1) ?? '') as Answers
    }
    return answers
  }
  const answersOn = besideStock(run)

  describeEachEngine(
    'works as with stock MLflow',
    (target) => {
      const answers = answersOn(target)

      for (const [program, checks] of wanted) {
        for (const [name, { title, onStockSince = '0' }] of checks) {
          it(`${program}: ${title}`, () => {
            const [onStock, here] = [answers.expected[program]?.[name], answers.ours[program]?.[name]]
            if (isAtLeast(version, onStockSince)) {
              expect(onStock).toHaveProperty('answer')
              expect(here).toEqual(onStock)
            } else {
              expect(onStock?.failed).toContain('failed with error code 404')
              expect(here).toHaveProperty('answer')
            }
          })
        }
      }
    },
    engines,
  )
})
