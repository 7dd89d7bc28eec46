// The commands on experiments, runs, models and traces of a server that runs.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEachEngine, describeOnCratedb } from '../support/engines.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { missing } from '../support/services.ts'
import { runProgram } from './program.ts'
import { type Seeded, seed } from './remote-seed.ts'
import { runOnTerminal } from './terminal.ts'

const API = '/api/2.0/mlflow'

/** Lines with one gap between their columns, and one word for times of this run. */
const linesOf = (text: string) =>
  text
    .replaceAll(/\d+ (?:s|min) ago/g, 'just now')
    .replaceAll(/ {2,}/g, '  ')
    .split('\n')

/** Cells by lines of a CSV text, read by the grammar of RFC 4180, with the ends of lines that the shell wants. */
function parseCsv(text: string): string[][] {
  const rows: string[][] = [[]]
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n)/g)) {
    rows.at(-1)?.push(quoted?.replaceAll('""', '"') ?? plain ?? '')
    if (end === '\n') rows.push([])
  }
  return rows.slice(0, -1)
}

describeOnCratedb('commands on a running server', (engine) => {
  let server: TestServer
  let seeded: Seeded
  let env: Record<string, string>
  const run = (...args: string[]) => runProgram(args, { env })

  beforeAll(async () => {
    server = await startServer({ backendStoreUri: engine.uri })
    seeded = await seed(server)
    env = { MLFLOW_TRACKING_URI: server.url }
  })
  afterAll(() => server.stop())

  it('list runs as a table that is whole where there is no terminal', async () => {
    const [first = '', second = ''] = seeded.dryRuns
    const { code, stdout, stderr } = await run('runs', 'list', '--experiment', 'wine, "dry"')
    expect(stderr).toBe('')
    expect(code).toBe(0)
    expect(linesOf(stdout)).toEqual([
      'RUN ID  NAME  STATUS  STARTED  DURATION  USER  loss  note  optimizer',
      `${second}  second  RUNNING  just now  -  ann  0.5  say "so", then\\nsomething \\x1b[31m  adam`,
      `${first}  baseline  FINISHED  2026-01-02  1 min 5 s  -  NaN  -  sgd`,
      '',
    ])
  })

  it('list runs as CSV, exactly', async () => {
    const [first, second] = seeded.dryRuns
    const { code, stdout } = await run('runs', 'list', '--experiment', 'wine, "dry"', '--format', 'csv')
    expect(code).toBe(0)
    const [header = [], ...rows] = parseCsv(stdout)
    const records = rows.map((row) => Object.fromEntries(row.map((cell, index) => [header[index], cell])))
    expect(records).toEqual([
      expect.objectContaining({
        run_id: second,
        experiment: 'wine, "dry"',
        'params.note': 'say "so", then\nsomething \u001b[31m',
        'metrics.loss': '0.5',
        ended: '',
      }),
      expect.objectContaining({
        run_id: first,
        started: '2026-01-02T03:04:05.678Z',
        duration: '65000',
        'metrics.loss': 'NaN',
        'params.note': '',
      }),
    ])
  })

  it('list runs as JSON as the API answers, integers whole', async () => {
    const { stdout } = await run(
      'runs',
      'list',
      '--experiment',
      seeded.dry,
      '--format',
      'json',
      '--limit',
      '1',
    )
    const body = { experiment_ids: [seeded.dry], max_results: 1 }
    const answer = await server.request('POST', `${API}/runs/search`, body)
    // Page tokens are the server's, and tell when they were made.
    const { next_page_token: token, ...list } = JSON.parse(stdout)
    expect(token).toEqual(expect.any(String))
    expect(list).toEqual({ runs: [expect.objectContaining({ info: expect.anything() })] })
    expect(stdout).toContain('"step":9007199254740993')
    const [run_] = (answer.body as { runs: { info: unknown }[] }).runs
    expect(list.runs[0].info).toEqual(run_?.info)
    const rest = await run(
      ...['runs', 'list', '--experiment', seeded.dry, '--format', 'json', '--page-token', token],
    )
    expect(JSON.parse(rest.stdout).runs.map(({ info }: { info: { run_id: string } }) => info.run_id)).toEqual(
      [seeded.dryRuns[0]],
    )
  })

  it('go through pages until all are there, or as many as were asked for', async () => {
    const list = (...args: string[]) => run('traces', 'list', '--experiment', 'many', ...args)
    const all = parseCsv((await list('--limit', 'all', '--format', 'csv', '--columns', 'trace_id')).stdout)
    expect(all[0]).toEqual(['trace_id'])
    expect(new Set(all.slice(1).flat()).size).toBe(seeded.manyTraces)
    const some = JSON.parse((await list('--limit', '550', '--format', 'json')).stdout)
    expect(some.traces).toHaveLength(550)
    expect(some.next_page_token).toEqual(expect.any(String))
    const few = await list('--limit', '2')
    expect(few.stdout.trimEnd().split('\n')).toHaveLength(3)
    expect(few.stderr).toBe('There are more than these 2: see --limit and --filter.\n')
    const none = await list('--filter', "trace.name = 'absent'")
    expect(none).toEqual({ code: 0, stdout: '', stderr: 'No traces.\n' })
    const empty = await list('--filter', "trace.name = 'absent'", '--format', 'json')
    expect(JSON.parse(empty.stdout)).toEqual({ traces: [] })
  })

  it('search by filters, by words of names, in the order that was asked for', async () => {
    const columns = ['--columns', 'name,metrics.loss,params.optimizer,tags.team', '--format', 'csv']
    const found = await run(
      'runs',
      'search',
      'metrics.loss > 0',
      '--order-by',
      'metrics.loss ASC',
      ...columns,
    )
    expect(parseCsv(found.stdout)).toEqual([
      ['name', 'metrics.loss', 'params.optimizer', 'tags.team'],
      ['baseline', '0.25', 'sgd', 'taste'],
      ['second', '0.5', 'adam', ''],
    ])
    const byWord = await run('runs', 'search', 'BASE', '--experiment', 'first steps', ...columns)
    expect(parseCsv(byWord.stdout).slice(1)).toEqual([['baseline', '0.25', 'sgd', 'taste']])
    const experiments = await run('experiments', 'search', 'DRY', '--columns', 'name', '--format', 'csv')
    expect(parseCsv(experiments.stdout)).toEqual([['name'], ['wine, "dry"']])
    const models = await run(
      'models',
      'search',
      'taste',
      '--columns',
      'name,latest_version',
      '--format',
      'csv',
    )
    expect(parseCsv(models.stdout).slice(1)).toEqual([['wine taster', '3']])
    const traces = await run(
      'traces',
      'search',
      "trace.status = 'ERROR'",
      '--columns',
      'name',
      '--format',
      'csv',
    )
    expect(parseCsv(traces.stdout).slice(1)).toEqual([['broken']])
  })

  it('show a run with all it has, by its name where that is unique', async () => {
    const { code, stdout } = await run('runs', 'show', 'baseline', '--experiment', 'first steps', '--utc')
    expect(code).toBe(0)
    expect(stdout.replace(/20\d\d-\S+Z/g, '<time>')).toBe(
      [
        `Run ID        ${seeded.run}`,
        'Name          baseline',
        `Experiment    first steps (${seeded.first})`,
        'Status        FINISHED',
        'Started       <time>',
        'Ended         <time>',
        'Duration      1.2 s',
        'User          -',
        `Artifact URI  mlflow-artifacts:/${seeded.first}/${seeded.run}/artifacts`,
        '',
        'Metrics',
        'loss  0.25  step 7',
        '',
        'Params',
        'optimizer  sgd',
        '',
        'Tags',
        'team            taste',
        'mlflow.runName  baseline',
        '',
        'Datasets',
        'wines  abc123  training, local',
        '',
        'Logged models',
        `taster  ${seeded.model}  step 3`,
        '',
        'Artifacts',
        'notes.txt  4.9 KiB',
        '',
      ].join('\n'),
    )
    const csv = await run('runs', 'show', seeded.run, '--format', 'csv')
    expect(parseCsv(csv.stdout)).toEqual(
      expect.arrayContaining([
        ['field', 'value'],
        ['run_id', seeded.run],
        ['metrics.loss', '0.25'],
        ['datasets.wines', 'abc123'],
        ['logged_models.taster', seeded.model],
        ['artifacts.notes.txt', '5000'],
      ]),
    )
    const json = await run('runs', 'show', seeded.run, '--format', 'json')
    const answer = await server.request('GET', `${API}/runs/get?run_id=${seeded.run}`)
    expect(JSON.parse(json.stdout)).toEqual(answer.body)
  })

  it('refuse a name that several things have, and tell which', async () => {
    const { code, stdout, stderr } = await run('runs', 'show', 'baseline')
    expect(code).toBe(1)
    expect(stdout).toBe('')
    const [line, ...candidates] = stderr.trimEnd().split('\n')
    expect(line).toBe('crateflow: 2 runs are named baseline. Give the id of one:')
    expect(candidates.map((text) => text.trim().split(/ {2,}/)[0]).sort()).toEqual(
      [seeded.run, seeded.dryRuns[0]].sort(),
    )
    expect(stderr).toContain('first steps\n')
    // The name of one experiment is the id of the other.
    const digits = await run('experiments', 'show', seeded.first)
    expect(digits.code).toBe(1)
    expect(digits.stderr).toContain(`${seeded.first} is the id of an experiment and the name of another one.`)
    expect(digits.stderr).toContain(`  ${seeded.first}  first steps\n`)
    expect((await run('experiments', 'show', 'first steps')).stdout).toContain(seeded.first)
  })

  it('compare runs side by side, and mark what differs', async () => {
    const [first = '', second = ''] = seeded.dryRuns
    const { code, stdout, stderr } = await run('runs', 'compare', first, second)
    expect(code).toBe(0)
    expect(stderr).toBe('* differs\n')
    expect(linesOf(stdout)).toEqual(
      expect.arrayContaining([
        '  RUN  baseline  second',
        `*  run_id  ${first}  ${second}`,
        `  experiment_id  ${seeded.dry}  ${seeded.dry}`,
        '*  status  FINISHED  RUNNING',
        '*  optimizer  sgd  adam',
        '*  loss  NaN  0.5',
      ]),
    )
    const diff = await run('runs', 'compare', first, second, '--diff')
    expect(diff.stdout).not.toContain('experiment_id')
    expect(await run('runs', 'compare', first, first, '--diff')).toEqual({
      code: 0,
      stdout: '',
      stderr: 'Nothing differs.\n',
    })
    const differing = JSON.parse(
      (await run('runs', 'compare', first, second, '--diff', '--format', 'json')).stdout,
    ).runs as { info: { run_id: string }; data: Record<string, { key: string }[]> }[]
    expect(differing.map(({ info }) => info.run_id)).toEqual([first, second])
    expect(differing[0]?.data.params?.map(({ key }) => key)).toEqual(['optimizer'])
    const same = JSON.parse((await run('runs', 'compare', first, first, '--diff', '--format', 'json')).stdout)
    expect(same.runs[0].data).toEqual({ metrics: [], params: [], tags: [] })
    const csv = parseCsv((await run('runs', 'compare', first, second, '--format', 'csv')).stdout)
    expect(csv[0]).toEqual(['group', 'key', 'differs', first, second])
    expect(csv).toContainEqual(['params', 'optimizer', 'true', 'sgd', 'adam'])
    expect(csv).toContainEqual(['run', 'experiment_id', 'false', seeded.dry, seeded.dry])
    const json = JSON.parse((await run('runs', 'compare', first, second, '--format', 'json')).stdout)
    expect(json.runs.map((one: { info: { run_id: string } }) => one.info.run_id)).toEqual([first, second])
  })

  it('delete and restore experiments and runs', async () => {
    const created = await server.request('POST', `${API}/experiments/create`, { name: 'to be deleted' })
    const { experiment_id } = created.body as { experiment_id: string }
    const made = await server.request('POST', `${API}/runs/create`, {
      experiment_id,
      run_name: 'short-lived',
    })
    const { run_id } = (made.body as { run: { info: { run_id: string } } }).run.info

    const unasked = await run('runs', 'delete', 'short-lived')
    expect(unasked).toEqual({
      code: 2,
      stdout: '',
      stderr: 'crateflow: Deleting asks on a terminal. Without one, say --yes.\n',
    })
    const deleted = await run('runs', 'delete', 'short-lived', '--yes')
    expect(deleted).toEqual({ code: 0, stdout: `Deleted run ${run_id} (short-lived)\n`, stderr: '' })
    const gone = await run('runs', 'delete', 'short-lived', '--yes')
    expect(gone).toMatchObject({
      code: 1,
      stderr: 'crateflow: There is no active run with the id or the name short-lived.\n',
    })
    const listed = await run('runs', 'list', '--view', 'deleted', '--columns', 'name', '--format', 'csv')
    expect(parseCsv(listed.stdout)).toEqual([['name'], ['short-lived']])
    expect((await run('runs', 'restore', 'short-lived')).stdout).toBe(
      `Restored run ${run_id} (short-lived)\n`,
    )

    const told = `experiment to be deleted (${experiment_id})`
    expect((await run('experiments', 'delete', 'to be deleted', '--yes')).stdout).toBe(`Deleted ${told}\n`)
    const twice = await run('experiments', 'delete', experiment_id, '--yes')
    expect(twice).toMatchObject({ code: 1, stderr: `crateflow: The ${told} is deleted already.\n` })
    const view = await run('experiments', 'list', '--view', 'deleted')
    expect(view.stdout).toMatch(new RegExp(`^${experiment_id} +to be deleted +.* deleted `, 'm'))
    expect((await run('experiments', 'restore', 'to be deleted')).stdout).toBe(`Restored ${told}\n`)
  })

  it('show models and versions by name, number and alias, and delete them', async () => {
    const shown = await run('models', 'show', 'wine taster')
    expect(linesOf(shown.stdout).slice(4)).toEqual([
      ...['', 'Aliases', 'champion  2', '', 'Tags', 'origin  here', '', 'Versions'],
      ...['3  just now  READY', '2  just now  READY, champion', '1  just now  READY', ''],
    ])
    const versions = await run(
      'models',
      'versions',
      'wine taster',
      '--columns',
      'version,aliases',
      '--format',
      'csv',
    )
    expect(parseCsv(versions.stdout).sort()).toEqual([
      ['1', ''],
      ['2', 'champion'],
      ['3', ''],
      ['version', 'aliases'],
    ])
    for (const name of ['wine taster@champion', 'wine taster/2'])
      expect((await run('models', 'show', name)).stdout).toMatch(/^Version +2$/m)
    const json = JSON.parse((await run('models', 'show', 'wine taster/1', '--format', 'json')).stdout)
    expect(json.model_version).toMatchObject({ name: 'wine taster', version: '1' })

    const compared = await run('models', 'compare', 'wine taster/1', 'wine taster@champion', '--diff')
    expect(linesOf(compared.stdout).slice(0, 3)).toEqual([
      '  VERSION  wine taster/1  wine taster/2',
      '*  version  1  2',
      '*  aliases  -  champion',
    ])
    const model = await run('models', 'compare', 'wine taster')
    expect(model.stderr).toBe(
      'crateflow: wine taster is a model: name a version of it, as wine taster/1 or wine taster@champion.\n',
    )
    expect(model.code).toBe(1)

    const done = await run('models', 'delete', 'wine taster/1', 'short-lived@home', '--yes')
    expect(done).toEqual({
      code: 0,
      stdout:
        'Deleted version 1 of model wine taster\nDeleted model short-lived@home with all its versions\n',
      stderr: '',
    })
    const gone = await run('models', 'show', 'wine taster/1')
    expect(gone).toMatchObject({
      code: 1,
      stderr: 'crateflow: Model Version (name=wine taster, version=1) not found\n',
    })
  })

  it('show traces as a tree of spans, and delete them', async () => {
    const { code, stdout } = await run('traces', 'show', 'answer')
    expect(code).toBe(0)
    expect(stdout).toMatch(/^Trace ID +tr-[0-9a-f]{32}$/m)
    expect(stdout).toMatch(/^Duration +2\.0 s$/m)
    const tree = stdout.slice(stdout.indexOf('Spans\n')).split('\n\n')[0]
    expect(tree).toBe(
      [
        'Spans',
        'answer       2.0 s  AGENT',
        '├ retrieve  500 ms',
        '│ └ embed   250 ms',
        '└ call       1.0 s  LLM, failed',
      ].join('\n'),
    )
    const deleted = await run('traces', 'delete', 'broken', '--yes')
    expect(deleted.stdout).toMatch(/^Deleted trace tr-[0-9a-f]{32} \(broken\)\n$/)
    expect((await run('traces', 'show', 'broken')).stderr).toBe(
      'crateflow: There is no trace with the id or the name broken.\n',
    )
  })

  it('say what is wrong in one line, by exit code 1 or 2', async () => {
    const cases: [string[], number, RegExp][] = [
      [['runs', 'list', '--filter', 'nonsense ='], 1, /Invalid clause\(s\) in filter string/],
      [['runs', 'list', '--experiment', 'absent'], 1, /no experiment with the id or the name absent/],
      [['runs', 'show', `both ' and "`], 1, /both kinds of quotes/],
      [['models', 'show', 'absent'], 1, /Registered Model with name=absent not found/],
      [['traces', 'show', 'tr-00000000000000000000000000000000'], 1, /There is no trace/],
      [['runs', 'list', '--columns', 'nope'], 2, /There is no column nope; there are run_id, name, /],
      [['runs', 'list', '--limit', '0'], 2, /'--limit <n>' argument '0' is invalid/],
      [['runs', 'list', '--format', 'xml'], 2, /Allowed choices are table, csv, json/],
      [['runs', 'compare'], 2, /missing required argument 'runs'/],
      [['experiments', 'compare'], 2, /unknown command 'compare'/],
      [['models', 'restore', 'x'], 2, /unknown command 'restore'/],
    ]
    for (const [args, code, text] of cases) {
      const ended = await run(...args)
      expect(ended.stderr).toMatch(text)
      expect(ended.stderr).not.toMatch(/^\s+at /m)
      expect(ended.stdout, args.join(' ')).toBe('')
      expect(ended.code, args.join(' ')).toBe(code)
    }
  })
})

/** Widths of signs, without escape sequences of colours. */
const widest = (output: string) =>
  Math.max(...output.split('\n').map((line) => [...line.replaceAll(/\u001b\[[\d;]*m/g, '')].length))

describeEachEngine(
  'commands on a terminal',
  (engine) => {
    let server: TestServer
    let seeded: Seeded
    const onTerminal = (args: string[], options: Parameters<typeof runOnTerminal>[1] = {}) =>
      runOnTerminal(args, { ...options, env: { MLFLOW_TRACKING_URI: server.url, ...options.env } })

    beforeAll(async () => {
      server = await startServer({ backendStoreUri: engine.uri })
      seeded = await seed(server)
    })
    afterAll(() => server.stop())

    describe.skipIf(missing('python'))('with Python', () => {
      it('fit its width', async () => {
        const narrow = await onTerminal(['runs', 'list'])
        expect(widest(narrow.output)).toBeLessThanOrEqual(80)
        expect(narrow.output).toContain(seeded.run)
        expect(narrow.output).not.toContain('optimizer')
        const wide = await onTerminal(['runs', 'list'], { columns: 200 })
        expect(widest(wide.output)).toBeLessThanOrEqual(200)
        expect(wide.output).toMatch(/EXPERIMENT.*DURATION.*loss.*note.*optimizer/)
        for (const args of [
          ['experiments', 'list'],
          ['models', 'versions'],
          ['traces', 'list', '--limit', '5'],
          ['runs', 'show', seeded.run],
          ['runs', 'compare', ...seeded.dryRuns, seeded.run],
        ]) {
          const { code, output } = await onTerminal(args)
          expect(code).toBe(0)
          expect(widest(output), args.join(' ')).toBeLessThanOrEqual(80)
        }
      })

      it('show colours unless told otherwise, and nothing else of what names tell the terminal', async () => {
        const bold = '\u001b[1mRUN ID\u001b[22m'
        const coloured = await onTerminal(['runs', 'list', '--format', 'table'], { env: { TERM: 'xterm' } })
        expect(coloured.output).toContain(bold)
        expect(coloured.output).toContain('\u001b[32mFINISHED\u001b[39m')
        const plain = await onTerminal(['runs', 'list'], { columns: 300, env: { NO_COLOR: '1' } })
        expect(plain.output).not.toContain('\u001b')
        expect(plain.output).toContain('\\x1b[31m')
        const csv = await onTerminal(['runs', 'list', '--format', 'csv'])
        expect(csv.output).not.toContain('\u001b')
        const forced = await runProgram(['runs', 'list'], {
          env: { MLFLOW_TRACKING_URI: server.url, FORCE_COLOR: '1' },
        })
        expect(forced.stdout).toContain(bold)
      })

      it.each([
        ['no\\n', 'Nothing was deleted.', 1],
        ['\\x04', 'Nothing was deleted.', 1],
        ['\\x03', 'Nothing was deleted.', 130],
        ['yes\\n', 'Deleted run ', 0],
      ])('ask before they delete, and take %j for: %s', async (keys, text, code) => {
        const args = ['runs', 'delete', 'baseline', '--experiment', 'first steps']
        const ended = await onTerminal(args, { keys })
        expect(ended.output).toContain(`This will be deleted:\n  run ${seeded.run} (baseline)\n`)
        expect(ended.output).toContain('Runs can be restored. Type yes: ')
        expect(ended.output).toContain(text)
        expect(ended.code).toBe(code)
        const { body } = await server.request('GET', `${API}/runs/get?run_id=${seeded.run}`)
        const stage = code === 0 ? 'deleted' : 'active'
        expect(body).toMatchObject({ run: { info: { lifecycle_stage: stage } } })
      })
    })
  },
  ['PGlite'],
)
