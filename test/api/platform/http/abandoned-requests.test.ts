// Searches that take too long, or that nobody waits for any more: they end in the database.
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Engine } from '../../../../src/platform/database/engine.ts'
import { openEngine } from '../../../../src/platform/database/open-engine.ts'
import { parseBackendUri } from '../../../../src/platform/database/uri.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import { describeEachEngine, type EngineTarget } from '../../../support/engines.ts'
import { countSlowSearches, prepareSlowSearch } from '../../../support/slow-search.ts'

const API = '/api/2.0/mlflow'
const SEARCH = `${API}/runs/search`
const POLL = { timeout: 60_000, interval: 50 }

interface Watched extends TestApp {
  url: string
  slowSearch: object
  running: () => Promise<number>
}

/** A server that listens, with an observer beside it and runs that are searched slowly. */
async function startWatched(target: EngineTarget, statementTimeoutMs: number): Promise<Watched> {
  const observer = await target.open()
  const engine = await openEngine(parseBackendUri(target.uri), { maxConnections: 4, statementTimeoutMs })
  const started = await startApp(target, { engine })
  await started.app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = started.app.server.address() as AddressInfo
  return {
    ...started,
    url: `http://127.0.0.1:${port}`,
    slowSearch: await prepareSlowSearch(started.request),
    running: () => countSlowSearches(observer),
    close: () => closeAll(started, engine),
  }
}

async function closeAll(started: TestApp, engine: Engine): Promise<void> {
  started.app.server.closeAllConnections()
  await started.close()
  await engine.close()
}

const jsonRequest = (path: string, body: object) => {
  const text = JSON.stringify(body)
  return `POST ${path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\n\r\n${text}`
}

/** What a client sends, and what must have come back before it leaves. */
const CLIENTS: Record<string, (slowSearch: object) => { sent: string[]; seen: string }> = {
  'with a search': (slow) => ({ sent: [jsonRequest(SEARCH, slow)], seen: '' }),
  'with a search on a connection that was used before': (slow) => ({
    sent: ['GET /version HTTP/1.1\r\nHost: localhost\r\n\r\n', jsonRequest(SEARCH, slow)],
    seen: '3.17.2',
  }),
  'with a search behind another request that is not answered (pipelining)': (slow) => ({
    sent: [jsonRequest(SEARCH, slow) + jsonRequest(SEARCH, { ...slow, max_results: 11 })],
    seen: '',
  }),
  'with a GraphQL query': (slow) => {
    const { experiment_ids: experimentIds, filter } = slow as { experiment_ids: string[]; filter: string }
    const query =
      'query Q($data: MlflowSearchRunsInput!) { mlflowSearchRuns(input: $data) { runs { info { runId } } } }'
    return {
      sent: [jsonRequest('/graphql', { query, variables: { data: { experimentIds, filter } } })],
      seen: '',
    }
  },
}

describeEachEngine(
  'a slow search',
  (engine) => {
    describe('that takes longer than a statement may', () => {
      let server: Watched
      beforeAll(async () => {
        server = await startWatched(engine, 1500)
      })
      afterAll(() => server.close())

      const search = (body: object) =>
        fetch(server.url + SEARCH, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(body),
        })

      it('is answered with 504, and gone from the database', async () => {
        const answer = await search(server.slowSearch)
        expect(answer.status).toBe(504)
        expect(answer.headers.get('retry-after')).toBe('1')
        const body = await answer.json()
        expect(body).toMatchObject({ error_code: 'DEADLINE_EXCEEDED' })
        expect((body as { message: string }).message).toMatch(/within 1\.5 s.*--statement-timeout.*filter/)
        await expect.poll(server.running, POLL).toBe(0)
      })

      it('is refused when it is repeated at once, as clients do, without asking the database', async () => {
        expect((await search(server.slowSearch)).status).toBe(504)
        const repeated = search(server.slowSearch)
        expect(await server.running()).toBe(0)
        expect((await repeated).status).toBe(504)
      })

      it('leaves the connections to others as they were', async () => {
        const get = () => server.request('GET', `${API}/experiments/get?experiment_id=0`)
        for (const { status } of await Promise.all(Array.from({ length: 12 }, get))) expect(status).toBe(200)
      })
    })

    describe('whose client', () => {
      let server: Watched
      beforeAll(async () => {
        server = await startWatched(engine, 600_000)
      })
      afterAll(() => server.close())

      it.each(Object.entries(CLIENTS))('leaves %s ends in the database', async (_how, client) => {
        const { sent, seen } = client(server.slowSearch)
        const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
        let received = ''
        socket.setEncoding('utf8').on('data', (text) => {
          received += text
        })
        for (const text of sent) {
          socket.write(text)
          if (text !== sent.at(-1)) await expect.poll(() => received).toContain(seen)
        }
        await expect.poll(server.running, POLL).toBeGreaterThan(0)
        socket.destroy()
        await expect.poll(server.running, POLL).toBe(0)
      })

      it('and many others search as slowly holds up neither writes nor reads by key nor probes', async () => {
        const run = await server.request('POST', `${API}/runs/create`, { experiment_id: '0' })
        const { run_id } = (run.body as { run: { info: { run_id: string } } }).run.info
        const leave = new AbortController()
        const searches = Array.from({ length: 8 }, (_, index) =>
          fetch(server.url + SEARCH, {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ ...server.slowSearch, max_results: index + 1 }),
            signal: leave.signal,
          }).catch(() => {}),
        )
        await expect.poll(server.running, POLL).toBeGreaterThan(1)
        const point = { run_id, key: 'm', value: 1, timestamp: 1, step: 1 }
        expect((await server.request('POST', `${API}/runs/log-metric`, point)).status).toBe(200)
        const found = await server.request('GET', `${API}/experiments/get?experiment_id=0`)
        expect(found.status).toBe(200)
        expect((await server.request('GET', '/ready')).status).toBe(200)
        expect(await server.running()).toBe(2)
        leave.abort()
        await Promise.all(searches)
        await expect.poll(server.running, POLL).toBe(0)
      })
    })
  },
  ['CrateDB'],
  ['PostgreSQL'],
)

// Its statements run one after the other: a search that went on would hold up all others.
describeEachEngine(
  'a slow search of the embedded database',
  (target) => {
    const within = (ms: number, work: Promise<unknown>) =>
      Promise.race([work, new Promise((resolve) => setTimeout(resolve, ms, 'late'))])

    async function start(statementTimeoutMs: number) {
      const engine = await openEngine(parseBackendUri(target.uri), { maxConnections: 1, statementTimeoutMs })
      const started = await startApp(target, { engine })
      const url = await started.app.listen({ host: '127.0.0.1', port: 0 })
      const slowSearch = await prepareSlowSearch(started.request, 6)
      const search = (signal?: AbortSignal) =>
        fetch(url + SEARCH, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify(slowSearch),
          ...(signal && { signal }),
        })
      const write = () => started.request('POST', `${API}/runs/create`, { experiment_id: '0' })
      return { search, write, close: () => closeAll(started, engine) }
    }

    it('ends after the time that a statement may take', async () => {
      const server = await start(1500)
      try {
        const searched = server.search()
        expect((await searched).status).toBe(504)
        expect(await within(10_000, server.write())).toMatchObject({ status: 200 })
      } finally {
        await server.close()
      }
    })

    it('ends when its client leaves', async () => {
      const server = await start(600_000)
      try {
        const leave = new AbortController()
        const searched = server.search(leave.signal).catch(() => 'left')
        // Requests that were sent before do not count.
        await within(1000, searched)
        const written = server.write()
        expect(await within(1000, written)).toBe('late')
        leave.abort()
        expect(await searched).toBe('left')
        expect(await within(10_000, written)).toMatchObject({ status: 200 })
      } finally {
        await server.close()
      }
    })
  },
  ['PGlite'],
)

/** Lets statements of a text wait until told. */
async function startHolding(target: EngineTarget, text: RegExp) {
  let held = 0
  let letGo: () => void = () => {}
  const free = new Promise<void>((resolve) => {
    letGo = resolve
  })
  const engine = await openEngine(parseBackendUri(target.uri), {
    maxConnections: 4,
    intercept: (connection) => ({
      ...connection,
      query: async (...args) => {
        if (text.test(args[0])) {
          held++
          await free
        }
        return connection.query(...args)
      },
    }),
  })
  const started = await startApp(target, { engine })
  const url = await started.app.listen({ host: '127.0.0.1', port: 0 })
  return { ...started, url, letGo, held: () => held, close: () => closeAll(started, engine) }
}

describeEachEngine('a read that requests share', (engine) => {
  it('goes on when one of those who wait for it leaves', async () => {
    const observer = await startApp(engine)
    const { body } = await observer.request('POST', `${API}/runs/create`, { experiment_id: '0' })
    const { run_id } = (body as { run: { info: { run_id: string } } }).run.info
    await observer.close()
    const server = await startHolding(engine, /from "runs" where/)
    const leave = new AbortController()
    const get = (signal?: AbortSignal) => fetch(`${server.url}${API}/runs/get?run_id=${run_id}`, { signal })
    const leaving = [get(leave.signal), get(leave.signal)].map((answer) => answer.catch(() => 'left'))
    await expect.poll(server.held).toBeGreaterThan(0)
    const staying = get()
    const open = () =>
      new Promise<number>((resolve) => server.app.server.getConnections((_error, count) => resolve(count)))
    await expect.poll(open, POLL).toBe(3)
    leave.abort()
    expect(await Promise.all(leaving)).toEqual(['left', 'left'])
    await expect.poll(open, POLL).toBe(1)
    server.letGo()
    expect((await staying).status).toBe(200)
    await server.close()
  })
})
