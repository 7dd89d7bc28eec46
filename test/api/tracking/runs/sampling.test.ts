// Samples of long histories, whatever their steps look like, against SQL's NTILE worked out by hand.
import { beforeAll, expect, it } from 'vitest'
import { startApp, type TestApp } from '../../../support/app.ts'
import { describeEachEngine } from '../../../support/engines.ts'

const API = '/api/2.0/mlflow'
const POINTS = 12_000

interface Point {
  step: number
  timestamp: number
  value: number
}

const points = (stepOf: (i: number) => number, length = POINTS): Point[] =>
  Array.from({ length }, (_, i) => ({ step: stepOf(i), timestamp: 1_000_000 + i, value: i / 8 }))

/** Title → points in the order of their timestamps. */
const HISTORIES: Record<string, Point[]> = {
  'every step from 0': points((i) => i),
  'every tenth step from -500': points((i) => i * 10 - 500),
  'a gap in the middle': points((i) => (i < 6000 ? i : i + 700)),
  'a part that was logged twice': points((i) => (i < 6000 ? i : i - 800), POINTS + 1000),
  'the later half first': points((i) => (i + 6000) % POINTS),
  'falling steps': points((i) => POINTS - i),
  'every step twice': points((i) => Math.floor(i / 2), 2 * POINTS),
  'points between the others': points((i) => (i % 5 === 4 ? i * 3 + 1 : i * 3)),
  'one step for all, and a last one': points((i) => (i === POINTS - 1 ? 50_000 : 0)),
}

/** The first point of each bucket, the last point of all in place of the last one. */
function sampleOf(history: Point[], maxResults: number, [from, to]: [number, number]): Point[] {
  const sorted = history
    .filter(({ step }) => step >= from && step <= to)
    .sort((a, b) => a.step - b.step || a.timestamp - b.timestamp)
  if (sorted.length <= maxResults) return sorted
  const larger = sorted.length % maxResults
  const size = Math.floor(sorted.length / maxResults)
  const firsts = Array.from({ length: maxResults }, (_, bucket) => bucket * size + Math.min(bucket, larger))
  return [...firsts.slice(0, -1), sorted.length - 1].map((rank) => sorted[rank] as Point)
}

describeEachEngine('samples of histories', (target) => {
  let app: TestApp
  const runIds = new Map<string, string>()

  beforeAll(async () => {
    app = await startApp(target)
    for (const [title, history] of Object.entries(HISTORIES)) {
      const { body } = await app.request('POST', `${API}/runs/create`, { experiment_id: '0' })
      const runId = (body as { run: { info: { run_id: string } } }).run.info.run_id
      runIds.set(title, runId)
      for (let i = 0; i < history.length; i += 1000) {
        const metrics = history.slice(i, i + 1000).map((point) => ({ key: 'loss', ...point }))
        const { status } = await app.request('POST', `${API}/runs/log-batch`, { run_id: runId, metrics })
        expect(status).toBe(200)
      }
    }
    return () => app.close()
  })

  async function ask(titles: string[], query: string): Promise<(Point & { run_id: string })[]> {
    const runs = titles.map((title) => `run_ids=${runIds.get(title)}`).join('&')
    const { status, body } = await app.request(
      'GET',
      `/ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?metric_key=loss&${runs}&${query}`,
    )
    expect(status).toBe(200)
    return (body as { metrics?: (Point & { run_id: string })[] }).metrics ?? []
  }

  const plain = ({ step, timestamp, value }: Point) => ({ step, timestamp, value })

  it.each(Object.keys(HISTORIES))('are even for %s', async (title) => {
    const history = HISTORIES[title] as Point[]
    for (const maxResults of [1, 2, 320, 2500]) {
      const found = await ask([title], `max_results=${maxResults}`)
      expect(found.map(plain)).toEqual(sampleOf(history, maxResults, [-1e9, 1e9]))
    }
  })

  it.each(Object.keys(HISTORIES))('are even within a range of steps for %s', async (title) => {
    const history = HISTORIES[title] as Point[]
    for (const [from, to] of [
      [-1000, 11_500],
      [300, 1_000_000],
      [7, 10_999],
      [5000, 5002],
    ] as const) {
      const found = await ask([title], `max_results=320&start_step=${from}&end_step=${to}`)
      expect(found.map(plain)).toEqual(sampleOf(history, 320, [from, to]))
    }
  })

  it('are those of each run when several are asked for', async () => {
    const titles = Object.keys(HISTORIES)
    const found = await ask(titles, 'max_results=320')
    const expected = titles.flatMap((title) => sampleOf(HISTORIES[title] as Point[], 320, [-1e9, 1e9]))
    expect(found.map(plain)).toEqual(expected)
    expect([...new Set(found.map(({ run_id }) => run_id))]).toEqual(titles.map((title) => runIds.get(title)))
  })

  it('are found as quickly the tenth time, when the database has made its plan for good', async () => {
    const titles = ['every step from 0', 'every tenth step from -500']
    const times: number[] = []
    for (let time = 0; time < 10; time++) {
      const began = performance.now()
      expect(await ask(titles, 'max_results=2500')).toHaveLength(5000)
      times.push(performance.now() - began)
    }
    // PostgreSQL without statistics took sixty times as long from the sixth time on.
    expect(Math.max(...times.slice(5))).toBeLessThan(10 * Math.max(...times.slice(0, 5)))
  })

  it('come from histories that are read whole, beyond the first rows that CrateDB sorts at once', async () => {
    const titles = ['every step twice', 'a part that was logged twice']
    const runs = titles.map((title) => `run_id=${runIds.get(title)}`).join('&')
    const { status, body } = await app.request(
      'GET',
      `/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=loss&${runs}`,
    )
    expect(status).toBe(200)
    const found = (body as { metrics: (Point & { run_id: string })[] }).metrics
    const byRun = titles
      .map((title) => ({ runId: runIds.get(title) ?? '', history: HISTORIES[title] as Point[] }))
      .sort((a, b) => (a.runId < b.runId ? -1 : 1))
    expect(found.map(plain)).toEqual(byRun.flatMap(({ history }) => history).slice(0, 25_000))
  })

  it('tell a 0 from a NaN of the same moment', async () => {
    const { body } = await app.request('POST', `${API}/runs/create`, { experiment_id: '0' })
    const run_id = (body as { run: { info: { run_id: string } } }).run.info.run_id
    for (const value of ['NaN', 0]) {
      const point = { run_id, key: 'loss', value, timestamp: 1, step: 1 }
      expect((await app.request('POST', `${API}/runs/log-metric`, point)).status).toBe(200)
    }
    const path = `/ajax-api/2.0/mlflow/metrics/get-history-bulk?metric_key=loss&run_id=${run_id}`
    const { metrics } = (await app.request('GET', path)).body as { metrics: { value: unknown }[] }
    expect(metrics.map(({ value }) => value)).toEqual([0, 'NaN'])
  })
})
