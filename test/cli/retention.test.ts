// `crateflow retention` and `crateflow ttl`, through a running server and in a store that none has open.
import { expect, it } from 'vitest'
import type { Execution, Policy } from '../../src/lifecycle/retention/schema.ts'
import { describeEachEngine } from '../support/engines.ts'
import { emptyFolder, runProgram, runServer } from './program.ts'

const TEST_ENGINES = ['PGlite'] as const

describeEachEngine(
  'crateflow retention',
  (engine) => {
    it('makes, shows, checks, previews, runs and deletes policies on a running server', async () => {
      const uri = await engine.another()
      const destination = await emptyFolder()
      const storage = ['--backend-store-uri', uri, '--artifacts-destination', destination]
      const server = await runServer(storage, {})
      const env = { MLFLOW_TRACKING_URI: server.url }
      const run = (...args: string[]) => runProgram(args, { env })
      const lines = (text: string) =>
        text
          .trim()
          .split('\n')
          .map((line) => line.replace(/ +/g, ' '))
      const json = <T>(text: string) => lines(text).map((line) => JSON.parse(line) as T)

      const added = await run(
        'ttl',
        'traces',
        'delete',
        '30d',
        '--tags',
        'team-a,prod',
        '--every',
        '12h',
        '--json',
      )
      expect(added).toMatchObject({ code: 0, stderr: '' })
      expect(json<Policy>(added.stdout)).toMatchObject([
        {
          name: 'traces delete 30d',
          target: 'traces',
          duration: '30d',
          tags: ['team-a', 'prod'],
          every: '12h',
        },
      ])
      const audit = [
        'retention',
        'add',
        'the audit',
        '--target',
        'audit',
        '--duration',
        '1y',
        '--tags',
        'team-b',
      ]
      const dry = await run(...audit, '--dry-run')
      expect(dry).toMatchObject({
        code: 0,
        stdout: expect.stringMatching(/^the audit: nothing older than 20/),
      })
      expect((await run(...audit)).code).toBe(0)
      const listed = await run('retention', 'list')
      expect(lines(listed.stdout).map((line) => line.split(' ').slice(0, 2).join(' '))).toEqual([
        'NAME TARGET',
        'the audit',
        'traces delete',
      ])
      expect((await run('retention', 'tags')).stdout.replace(/ +/g, ' ')).toBe(
        'TAG POLICIES\nprod 1\nteam-a 1\nteam-b 1\n',
      )
      const edited = await run('retention', 'edit', 'the audit', '--duration', '1ms', '--cron', '0 3 * * *')
      expect(edited.stdout).toMatch(/duration +1ms\n[\s\S]*cron +0 3 \* \* \*\n[\s\S]*next_due_at +20\d\d-/)

      const checked = await run('retention', 'check')
      expect(checked).toMatchObject({ code: 0, stderr: '' })
      expect(lines(checked.stdout).map((line) => line.split(' ').slice(0, 1)[0])).toEqual([
        'VERDICT',
        'ok',
        'warning',
      ])
      expect(checked.stdout).toMatch(/no_data/)
      expect((await run('retention', 'run', '--tags', 'team-b', '--dry-run')).stdout).toMatch(
        /^the audit: 3 rows older than .*\nROWS +SIZE +PARTITION +STATEMENT\n3 +- +- +DELETE entries of the audit/,
      )
      const done = await run('retention', 'run', '--tags', 'team-b')
      expect(done).toMatchObject({ code: 0, stderr: '' })
      expect(done.stdout).toMatch(/^the audit: succeeded, 1 step, 3 rows in /)
      const history = await run('retention', 'history', 'the audit')
      expect(lines(history.stdout)[1]).toMatch(/execution_finished the audit - 3 rows/)
      const execution = /execution ([0-9a-f]{32})/.exec(history.stdout)?.[1] ?? ''
      expect((await run('retention', 'history', '--execution', execution)).stdout).toMatch(
        /DELETE entries of the audit/,
      )

      expect((await run('retention', 'show', 'the audit')).stdout).toMatch(
        /^name +the audit\npolicy_id +p-[\s\S]*\ncreated_at +20\d\d-.*\nupdated_at +20/,
      )
      await run('retention', 'add', 'nowhere', '--target', 'doc.none', '--column', 'time', '--duration', '1d')
      expect(await run('retention', 'run', '--dry-run')).toMatchObject({
        code: 1,
        stderr: 'crateflow: nowhere: There is no table doc.none.\n',
        stdout: expect.stringMatching(/^the audit: [\s\S]*\ntraces delete 30d: nothing older/),
      })
      expect(await run('retention', 'edit', 'nowhere', '--enabled', '--disabled')).toMatchObject({ code: 2 })
      await run('retention', 'rm', 'nowhere')

      expect(await run('retention', 'rm', 'the audit')).toMatchObject({
        code: 0,
        stdout: 'Policy the audit is deleted.\n',
      })
      expect(await run('ttl', 'doc.t:month', 'snapshot', '4w')).toMatchObject({
        code: 2,
        stderr: 'crateflow: snapshot wants where: snapshot:repository.\n',
      })
      const ladder = '1m:30d,1h:210d'
      const thinning = await run('ttl', 'metrics', 'downsample', ladder, '--json')
      expect(thinning).toMatchObject({ code: 0, stderr: '' })
      expect(json<Policy>(thinning.stdout)).toMatchObject([
        { name: `metrics downsample ${ladder}`, strategy: 'downsample', ladder, duration: '30d' },
      ])
      const steps = ['retention', 'add', 'steps', '--target', 'metrics', '--ladder', '100steps:30d']
      expect((await run(...steps)).stdout).toMatch(/strategy +downsample\n[\s\S]*ladder +100steps:30d\n/)
      expect((await run('retention', 'list', '--strategy', 'downsample')).stdout).toContain(ladder)
      expect(await run(...steps.slice(0, -1), '1m:30d,90s:60d')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining('each size must be a multiple of the one before'),
      })
      const short = ['downsample', 'add', 'doc.readings', '--time', 'ts', '--ladder', '1m:30d,1h:1y']
      const fields = ['--by', 'sensor', '--by', 'a,b', '--agg', 't:min,max,mean', '--into', 'doc.by_time']
      const table = await run(...short, ...fields, '--tags', 'team-a', '--json')
      expect(table).toMatchObject({ code: 0, stderr: '' })
      expect(json<Policy>(table.stdout)).toMatchObject([
        {
          ...{ name: 'doc.readings:ts downsample 1m:30d,1h:1y', target: 'doc.readings', column: 'ts' },
          ...{ strategy: 'downsample', ladder: '1m:30d,1h:1y', duration: '30d', by: ['sensor', 'a,b'] },
          ...{ aggregates: ['t:min,max,mean'], into: 'doc.by_time', tags: ['team-a'] },
        },
      ])
      const cleared = await run(
        'retention',
        'edit',
        'doc.readings:ts downsample 1m:30d,1h:1y',
        '--clear',
        'by,into',
      )
      expect(cleared.stdout).toMatch(/aggregates +t:min,max,mean\n/)
      expect(cleared.stdout).not.toContain('doc.by_time')
      expect(await run(...short, '--name', 'other', '--agg', 't:median')).toMatchObject({
        code: 1,
        stderr: expect.stringContaining("not 't:median'"),
      })
      server.signal('SIGTERM')
      await server.ended

      const inStore = await runProgram(['retention', 'run', 'traces delete 30d', ...storage, '--json'], {})
      expect(inStore).toMatchObject({ code: 0, stderr: '' })
      expect(json<Execution>(inStore.stdout)).toMatchObject([{ state: 'succeeded', rows: 0 }])
    })
  },
  TEST_ENGINES,
)
