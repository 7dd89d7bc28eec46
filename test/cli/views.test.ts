// `crateflow views`, through a running server and in a store that none has open.
import { expect, it } from 'vitest'
import type { View } from '../../src/lifecycle/views/schema.ts'
import { describeEachEngine } from '../support/engines.ts'
import { emptyFolder, runProgram, runServer } from './program.ts'

const TEST_ENGINES = ['PGlite'] as const

describeEachEngine(
  'crateflow views',
  (engine) => {
    it('makes, shows, refreshes, lists and drops views on a running server, and in its store', async () => {
      const uri = await engine.another()
      const storage = ['--backend-store-uri', uri, '--artifacts-destination', await emptyFolder()]
      const server = await runServer(storage, {})
      const env = { MLFLOW_TRACKING_URI: server.url }
      const run = (...args: string[]) => runProgram(args, { env })
      const json = (text: string) => JSON.parse(text) as View

      const statement = 'SELECT experiment_id, name FROM experiments'
      const made = await run(
        ...[
          'views',
          'create',
          'known',
          '--as',
          statement,
          '--key',
          'experiment_id',
          '--every',
          '1h',
          '--json',
        ],
      )
      expect(made).toMatchObject({ code: 0, stderr: '' })
      expect(json(made.stdout)).toMatchObject({
        ...{
          name: 'mlflow_views.known',
          statement,
          key: ['experiment_id'],
          every: '1h',
          version: 1,
          rows: 1,
        },
      })
      expect((await run('views', 'refresh', 'known')).stdout).toMatch(
        /^mlflow_views\.known: 1 rows in [\d.]+ m?s, version 2\n$/,
      )
      expect((await run('sql', 'SELECT name FROM mlflow_views.known', '--format', 'csv')).stdout).toBe(
        'name\nDefault\n',
      )
      const listed = await run('views', 'list')
      expect(listed.stdout.replace(/ +/g, ' ')).toMatch(
        /^NAME ROWS REFRESHED TOOK SCHEDULE NEXT STATE\nmlflow_views\.known 1 20\S+Z [\d.]+ m?s every 1h 20\S+Z ok\n$/,
      )
      expect((await run('views', 'show', 'known')).stdout).toMatch(
        /statement +SELECT experiment_id, name FROM experiments\n/,
      )
      expect(await run('views', 'create', 'wrong', '--as', 'SELECT nothing')).toMatchObject({
        code: 1,
        stderr: 'crateflow: column "nothing" does not exist\n',
      })
      const some = await run('views', 'refresh', 'unknown', 'known')
      expect(some).toMatchObject({
        code: 1,
        stderr: "crateflow: unknown: Materialized view 'mlflow_views.unknown' does not exist.\n",
        stdout: expect.stringMatching(/version 3/),
      })
      server.signal('SIGTERM')
      await server.ended

      const inStore = await runProgram(['views', 'refresh', 'known', ...storage, '--json'], {})
      expect(inStore).toMatchObject({ code: 0, stderr: '' })
      expect(json(inStore.stdout)).toMatchObject({ version: 4 })
      expect(await runProgram(['views', 'drop', 'known', ...storage], {})).toMatchObject({
        code: 0,
        stdout: 'Materialized view known is dropped.\n',
      })
      expect((await runProgram(['views', 'list', ...storage], {})).stdout).toBe(
        'There are no materialized views.\n',
      )
    })
  },
  TEST_ENGINES,
)
