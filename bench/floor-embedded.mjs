// What PGlite and an HTTP server cost alone, beside the embedded server that is made of both. See bench/README.md.
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { PGlite } from '@electric-sql/pglite'
import { encodeGet, encodePost } from './client.mjs'
import { ours, startContender, startServer } from './contenders.mjs'
import { measure } from './measure.mjs'
import { fullRun, logMetric } from './payloads.mjs'

/** Requests before the clock runs. */
const WARM_UP = 200
const HTTP = join(import.meta.dirname, 'floor-http.mjs')
const RECORDER = join(import.meta.dirname, 'exchange-recorder.mjs')

/** Each makes `request(i)` for a store that holds an experiment and a run of 100 params and 100 metrics. */
const WORKS = {
  'create run': ({ experimentId }) => {
    return () => encodePost('runs/create', JSON.stringify({ experiment_id: experimentId, start_time: 1 }))
  },
  'log-metric': ({ runId }) => {
    const fill = logMetric(runId)
    return (i) => encodePost('runs/log-metric', fill(i + 1))
  },
  'get run (100 + 100)': ({ runId }) => {
    const request = encodeGet(`runs/get?run_id=${runId}`)
    return () => request
  },
}

/** Prints a line for each work and number of clients. */
export async function measureEmbeddedFloor({ main, fml, seconds, works }, { folder, log }) {
  const rows = []
  for (const title of Object.keys(WORKS).filter((name) => works.test(name))) {
    for (const clients of [1, 8]) {
      log(`${title}, c${clients}`)
      rows.push({ title, clients, ...(await measureRow({ main, fml, title, clients, seconds, folder })) })
    }
  }
  print(rows)
  return rows
}

async function measureRow({ main, fml, title, clients, seconds, folder }) {
  const work = join(folder, `${title.replace(/\W+/g, '-')}-${clients}`)
  const start = (name, target, env = {}) => {
    mkdirSync(work, { recursive: true })
    const recipe = ours(main, target, ['--embedded-sync', 'off'])
    return startServer({ name, folder: work, ...recipe, env: { ...recipe.env, ...env } })
  }
  const store = join(work, 'store')
  const first = await start('first', `pglite:${store}`)
  const ids = await prepare(first)
  await first.stop()
  cpSync(store, join(work, 'before'), { recursive: true })

  const run = (server, count) => drive(server, WORKS[title](ids), { clients, ...count })
  const file = join(work, 'exchanges.json')
  const env = { BENCH_EXCHANGES: file, NODE_OPTIONS: `--import ${RECORDER}` }
  const recorded = await start('recorded', `pglite:${store}`, env)
  await run(recorded, { requests: WARM_UP })
  recorded.signal('SIGUSR2')
  const server = await run(recorded, { seconds, from: WARM_UP })
  await recorded.stop()

  const pglite = await replay(join(work, 'before'), JSON.parse(readFileSync(file, 'utf8')))
  const asked = await start('asked', `pglite:${store}`)
  writeFileSync(join(work, 'answer.json'), await asked.send(WORKS[title](ids)(1_000_000)))
  await asked.stop()
  const command = [process.execPath, HTTP, join(work, 'answer.json')]
  const bare = await startServer({ name: 'http', folder: work, command, listen: (port) => [String(port)] })
  await run(bare, { requests: WARM_UP })
  const http = await run(bare, { seconds })
  await bare.stop()
  const other = await startContender('fasttrackml', { folder: work, fml })
  const otherIds = await prepare(other)
  await drive(other, WORKS[title](otherIds), { clients, requests: WARM_UP })
  const peer = await drive(other, WORKS[title](otherIds), { clients, seconds, from: WARM_UP })
  await other.stop()
  return {
    server: server.perSecond,
    exchanges: pglite.exchanges / server.count,
    pgliteMs: pglite.ms / server.count,
    httpMs: 1000 / http.perSecond,
    fasttrackml: peer.perSecond,
  }
}

async function prepare(server) {
  const { experiment_id: experimentId } = await server.post('experiments/create', { name: 'floor' })
  const { run } = await server.post('runs/create', { experiment_id: experimentId, start_time: 1 })
  await server.send(encodePost('runs/log-batch', fullRun(run.info.run_id)))
  return { experimentId, runId: run.info.run_id }
}

/** So many requests, or for so many seconds. */
async function drive(server, request, { clients, requests, seconds, from = 0 }) {
  const send = (i) => server.send(request(from + i))
  if (seconds) return measure({ clients, seconds, work: send })
  for (let i = 0; i < requests; i += clients)
    await Promise.all(Array.from({ length: clients }, (_, client) => send(i + client)))
}

/** Milliseconds that PGlite itself, in this thread, without syncs, takes for what the server sent it. */
async function replay(dataDir, { exchanges, marked }) {
  const store = await PGlite.create({ dataDir })
  await store.exec('SET search_path TO mlflow')
  const messages = exchanges.map((text) => new Uint8Array(Buffer.from(text, 'base64')))
  const onRawData = () => {}
  let began = performance.now()
  for (const [i, message] of messages.entries()) {
    if (i === marked) began = performance.now()
    store.execProtocolRawStream(message, { syncToFs: false, onRawData })
  }
  const ms = performance.now() - began
  await store.close()
  return { ms, exchanges: messages.length - marked }
}

function print(rows) {
  console.log(
    '\n| | server, sync off, per second | exchanges with PGlite | PGlite alone, ms | HTTP and JSON alone, ms | FastTrackML, per second |',
  )
  console.log('|---|---|---|---|---|---|')
  for (const { title, clients, server, exchanges, pgliteMs, httpMs, fasttrackml } of rows) {
    const cells = [exchanges.toFixed(2), pgliteMs.toFixed(2), httpMs.toFixed(2), fasttrackml.toFixed(0)]
    console.log(`| ${title}, c${clients} | ${server.toFixed(0)} | ${cells.join(' | ')} |`)
  }
}
