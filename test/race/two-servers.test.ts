// Two servers on one CrateDB schema act as one: what either acknowledges, the other shows in the next request.
import { Agent, request as httpRequest } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseJson } from '../../src/platform/wire/int64.ts'
import { tries } from '../support/chance.ts'
import { engineTarget } from '../support/engines.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { missing } from '../support/services.ts'

const API = '/api/2.0/mlflow'
const ROUNDS = tries(600, 3000)
/** How many rounds run at the same time. */
const WORKERS = 48
const RACERS = 50

// biome-ignore lint/suspicious/noExplicitAny: answers of many shapes, of which the expectations name the fields
type Body = any

interface Answer {
  status: number
  body: Body
}

/** Asks one server over connections that stay open. */
type Ask = (path: string, body: unknown) => Promise<Answer>

const reason = missing('cratedb')

describe.skipIf(reason)(`two servers on CrateDB${reason && ` (${reason})`}`, () => {
  const target = engineTarget('CrateDB')
  const agent = new Agent({ keepAlive: true, maxSockets: RACERS })
  let servers: TestServer[] = []
  let asks: [Ask, Ask]

  beforeAll(async () => {
    // One after the other would not race for the migrations.
    servers = await Promise.all([1, 2].map(() => startServer({ backendStoreUri: target.uri })))
    const [a, b] = servers.map(
      ({ url }) =>
        (path: string, body: unknown) =>
          send(agent, url, path, body),
    )
    if (!a || !b) throw new Error('Two servers are needed')
    asks = [a, b]
  })
  afterAll(async () => {
    agent.destroy()
    await Promise.all(servers.map((server) => server.stop()))
  })

  it(`shows what one server acknowledged in the next request to the other, ${ROUNDS} times`, async () => {
    const violations: unknown[] = []
    let next = 0
    const work = async (worker: number) => {
      const { body } = await asks[0]('/experiments/create', { name: `of worker ${worker}` })
      const experimentId = body.experiment_id
      const runId = await createRun(asks[1], { experiment_id: experimentId, start_time: 0 })
      while (next < ROUNDS) {
        const number = next++
        const [writer, reader] = number % 2 ? asks : [asks[1], asks[0]]
        const check = CHECKS[(number >> 1) % CHECKS.length] as Check
        const violation = await check({ writer, reader, number, runId, experimentId })
        if (violation !== undefined) violations.push({ number, check: check.name, violation })
      }
    }
    await Promise.all(Array.from({ length: WORKERS }, (_, index) => work(index)))
    expect(violations).toEqual([])
    expect(next).toBe(ROUNDS)
  }, 600_000)

  it.each(Array.from({ length: 20 }, (_, index) => `contested ${index}`))(
    'creates an experiment once however many ask for it at both: %s',
    async (name) => {
      const answers = await race(asks, (ask) => ask('/experiments/create', { name }))
      const created = answers.filter(({ status }) => status === 200)
      expect(created).toHaveLength(1)
      const others = answers.filter(({ status }) => status !== 200)
      expect(new Set(others.map(({ body }) => body.error_code))).toEqual(new Set(['RESOURCE_ALREADY_EXISTS']))
      for (const ask of asks) {
        const { body } = await ask(
          `/experiments/get-by-name?experiment_name=${encodeURIComponent(name)}`,
          undefined,
        )
        expect(body.experiment.experiment_id).toBe(created[0]?.body.experiment_id)
      }
    },
  )

  it.each([
    ['log-parameter', ''],
    ['log-batch', ''],
    ['log-batch', ' with a tag'],
  ])('keeps the first value of a param and refuses others: %s%s', async (path, more) => {
    const runId = await createRun(asks[0])
    const answers = await race(asks, (ask, index) => {
      const [key, value] = ['depth', `value ${index % 10}`]
      const body =
        path === 'log-parameter'
          ? { key, value }
          : { params: [{ key, value }], tags: more ? [{ key, value }] : [] }
      return ask(`/runs/${path}`, { run_id: runId, ...body }).then((answer) => ({ ...answer, value }))
    })
    const shown = await Promise.all(asks.map((ask) => getRun(ask, runId)))
    const [kept] = shown.map((run) => run.data.params)
    expect(kept).toHaveLength(1)
    expect(shown.map((run) => run.data.params)).toEqual([kept, kept])
    // Who brought the value that was kept got it through, all five of them; all others were told.
    expect(answers.filter(({ value, status }) => (value === kept[0].value) !== (status === 200))).toEqual([])
    const refused = answers.filter(({ status }) => status !== 200)
    expect(refused).toHaveLength(RACERS - 5)
    expect(new Set(refused.map(({ body }) => body.error_code))).toEqual(new Set(['INVALID_PARAMETER_VALUE']))
  })

  it('shows the metric of the latest step, whatever the order of its points', async () => {
    const runId = await createRun(asks[0])
    // 17 and 50 have no common divisor: each step once, none in order.
    const answers = await race(asks, (ask, index) => {
      const step = (index * 17) % RACERS
      return ask('/runs/log-metric', {
        run_id: runId,
        key: 'loss',
        value: step / 2,
        timestamp: 1000 - step,
        step,
      })
    })
    expect(answers.every(({ status }) => status === 200)).toBe(true)
    for (const ask of asks) {
      const run = await getRun(ask, runId)
      const latest = {
        key: 'loss',
        value: (RACERS - 1) / 2,
        timestamp: 1000 - (RACERS - 1),
        step: RACERS - 1,
      }
      expect(run.data.metrics).toEqual([latest])
      const history = await ask(`/metrics/get-history?run_id=${runId}&metric_key=loss`, undefined)
      expect(history.body.metrics).toHaveLength(RACERS)
    }
  })

  it('creates a run for each of the requests', async () => {
    const created = await race(asks, (ask) =>
      ask('/runs/create', { experiment_id: '0', tags: [{ key: 'race', value: 'runs' }] }),
    )
    const ids = created.map(({ body }) => body.run.info.run_id)
    expect(new Set(ids).size).toBe(RACERS)
    for (const ask of asks) {
      const found = await ask('/runs/search', { experiment_ids: ['0'], filter: "tags.race = 'runs'" })
      expect(found.body.runs.map((run: Body) => run.info.run_id).sort()).toEqual([...ids].sort())
    }
  })
})

/** One round: who is written to, who is asked, and a run and an experiment that no round at the same time has. */
interface Round {
  writer: Ask
  reader: Ask
  number: number
  runId: string
  experimentId: string
}

/** Answers what is wrong, undefined when nothing is. */
type Check = (round: Round) => Promise<unknown>

async function metricThenGet({ writer, reader, number, runId }: Round): Promise<unknown> {
  const metric = { key: 'loss', value: number / 4, timestamp: 1, step: number }
  const { status } = await writer('/runs/log-metric', { run_id: runId, ...metric })
  const { metrics } = (await getRun(reader, runId)).data
  const found = metrics.find(({ key }: Body) => key === 'loss')
  return status === 200 && found?.value === number / 4 && found.step === number
    ? undefined
    : { status, found }
}

async function runThenSearch({ writer, reader, number, experimentId }: Round): Promise<unknown> {
  const runId = await createRun(writer, { experiment_id: experimentId, start_time: number })
  const newest = await searchRuns(reader, experimentId, '')
  return newest[0] === runId ? undefined : { runId, newest }
}

async function tagThenSearch({ writer, reader, number, runId, experimentId }: Round): Promise<unknown> {
  const { status } = await writer('/runs/set-tag', { run_id: runId, key: 'turn', value: `${number}` })
  const found = await searchRuns(reader, experimentId, `tags.turn = '${number}'`)
  return status === 200 && found[0] === runId ? undefined : { status, found }
}

async function experimentThenName({ writer, reader, number }: Round): Promise<unknown> {
  const { body } = await writer('/experiments/create', { name: `round ${number}` })
  const found = await reader(`/experiments/get-by-name?experiment_name=round%20${number}`, undefined)
  const id = found.body.experiment?.experiment_id
  return id && id === body.experiment_id ? undefined : { body, found }
}

async function experimentThenSearch({ writer, reader, number }: Round): Promise<unknown> {
  const { body } = await writer('/experiments/create', { name: `searched ${number}` })
  const filter = `name = 'searched ${number}'`
  const found = await reader('/experiments/search', { max_results: 5, filter })
  const id = found.body.experiments?.[0]?.experiment_id
  return id && id === body.experiment_id ? undefined : { body, found }
}

async function pointThenHistory({ writer, reader, number, runId }: Round): Promise<unknown> {
  const point = { key: 'points', value: 1, timestamp: number, step: number }
  const { status } = await writer('/runs/log-metric', { run_id: runId, ...point })
  const { body } = await reader(`/metrics/get-history?run_id=${runId}&metric_key=points`, undefined)
  return status === 200 && body.metrics.at(-1).step === number ? undefined : { status, body }
}

async function batchThenSearch({ writer, reader, number, experimentId }: Round): Promise<unknown> {
  const runId = await createRun(writer, { experiment_id: experimentId, start_time: number })
  const metrics = [{ key: 'batch', value: number, timestamp: 1, step: 0 }]
  const params = [{ key: 'round', value: `${number}` }]
  const { status } = await writer('/runs/log-batch', { run_id: runId, metrics, params })
  const filter = `metrics.batch = ${number} and params.round = '${number}'`
  const found = await searchRuns(reader, experimentId, filter)
  return status === 200 && found[0] === runId ? undefined : { status, found }
}

async function deletedThenGone({ writer, reader, number, experimentId }: Round): Promise<unknown> {
  const runId = await createRun(writer, { experiment_id: experimentId, start_time: number })
  const { status } = await writer('/runs/delete', { run_id: runId })
  const found = await searchRuns(reader, experimentId, '')
  return status === 200 && !found.includes(runId) ? undefined : { status, found }
}

const CHECKS: Check[] = [
  metricThenGet,
  runThenSearch,
  tagThenSearch,
  experimentThenName,
  experimentThenSearch,
  pointThenHistory,
  batchThenSearch,
  deletedThenGone,
]

async function createRun(ask: Ask, fields: Body = {}): Promise<string> {
  const { body } = await ask('/runs/create', { experiment_id: '0', ...fields })
  return body.run.info.run_id
}

/** Ids of the runs that match, those that started last first, ten at most. */
async function searchRuns(ask: Ask, experimentId: string, filter: string): Promise<string[]> {
  const { body } = await ask('/runs/search', { experiment_ids: [experimentId], filter, max_results: 10 })
  return (body.runs ?? []).map((run: Body) => run.info.run_id)
}

async function getRun(ask: Ask, runId: string): Promise<Body> {
  const { body } = await ask(`/runs/get?run_id=${runId}`, undefined)
  return body.run
}

/** Sends all at once, every other one to the second server. */
const race = <T>(asks: [Ask, Ask], act: (ask: Ask, index: number) => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: RACERS }, (_, index) => act(asks[index % 2] as Ask, index)))

/** A GET without a body, else a POST. */
function send(agent: Agent, url: string, path: string, body: unknown): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST'
    const headers = { 'content-type': 'application/json' }
    const request = httpRequest(`${url}${API}${path}`, { agent, method, headers }, (response) => {
      let text = ''
      response.setEncoding('utf8').on('data', (chunk: string) => {
        text += chunk
      })
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body: parseJson(text) }))
      response.on('error', reject)
    })
    request.on('error', reject)
    request.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
