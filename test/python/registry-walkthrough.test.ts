// The walk through the model registry, as docs/registry.md shows it.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { runProgram } from '../cli/program.ts'
import { describeEachEngine } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { copyPrograms, EXAMPLES, runClient, TIMEOUT_MS } from './client.ts'
import { onStock, useServer } from './servers.ts'

const page = readFileSync(join(import.meta.dirname, '../../docs/registry.md'), 'utf8')

describe.skipIf(missing('stock'))('client', () => {
  const examples = copyPrograms(EXAMPLES)
  const walk = (url: string, ...steps: string[]) =>
    runClient(url, [join(examples.folder, 'registry_walkthrough.py'), ...steps])
  const promote = (url: string) => walk(url, 'first', 'check', 'second', 'check')
  const stock = onStock(promote)

  describeEachEngine(
    'the walk through the model registry',
    (target) => {
      const server = useServer(target)

      it(
        'promotes as on stock MLflow, and rolls back to the model before',
        async () => {
          const promoted = await promote(server.url)
          expect(promoted).toBe(await stock())
          expect(page).toContain(promoted)

          const args = ['registry', 'rollback', 'wine-classifier', '--alias', 'champion']
          const rollback = await runProgram(args, { env: { MLFLOW_TRACKING_URI: server.url } })
          expect(rollback.stdout).toBe('champion of wine-classifier: version 2 -> 1\n')
          expect(page).toContain(rollback.stdout)

          const checked = await walk(server.url, 'check', 'compare')
          const [, accuracy] = /^champion is version 1: test accuracy (0\.9\d+)$/m.exec(promoted) ?? []
          expect(checked).toContain(`champion is version 1: test accuracy ${accuracy}\n`)
          expect(page).toContain(checked)
        },
        TIMEOUT_MS,
      )

      it(
        'rolls back through REST alone',
        async () => {
          await walk(server.url, 'second')
          expect(await walk(server.url, 'roll-back', 'check')).toMatch(
            /^rolled champion back: version 3 -> 1\nchampion is version 1: /,
          )
        },
        TIMEOUT_MS,
      )
    },
    ['CrateDB'],
    ['PGlite'],
  )
})
