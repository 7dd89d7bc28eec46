// How close log-batch comes to the database: the same INSERT statements from a bare pg loop, beside the server.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import pg from 'pg'
import { encodePost } from './client.mjs'
import { ours, startServer } from './contenders.mjs'
import { assertEqual, measure, median } from './measure.mjs'
import { freshKeys, METRICS_PER_BATCH } from './payloads.mjs'
import { connectionOf } from './services.mjs'
import { startRecorder } from './wire-recorder.mjs'

/** Numbers of batches have eight digits, so that they can be told and replaced in recorded values. */
const FIRST = 20_000_000
const WARM_UP = 3

/**
 * Latency of a batch of 1000 fresh keys from one client: through the server, and as a loop of the INSERT statements
 * that the server was seen to send for such a batch, prepared, each on a connection of its own where the server
 * used several at once.
 */
export async function measureFloor({ main, uri, schema, folder, rounds, seconds, defer }) {
  const { host, port, user } = connectionOf(uri)
  const recorder = await startRecorder({ host, port })
  defer(async () => recorder.close())
  const work = join(folder, 'floor')
  mkdirSync(work, { recursive: true })
  const viaProxy = `cratedb://${user}@127.0.0.1:${recorder.port}/?schema=${schema}`
  const start = async (name, target) => {
    const server = await startServer({ name, folder: work, ...ours(main, target) })
    defer(server.stop)
    return server
  }
  const recorded = await start('recorded', viaProxy)
  const direct = await start('direct', `${uri}?schema=${schema}`)
  const { experiment_id } = await direct.post('experiments/create', { name: `floor-${Date.now()}` })
  const newRun = async () => (await direct.post('runs/create', { experiment_id })).run.info.run_id
  const statements = await recordBatch(recorder, recorded, await newRun())
  const clients = await connectAll(statements, connectionOf(uri, schema))
  for (const { client } of clients) defer(() => client.end())
  const runId = await newRun()
  const results = await alternate({ direct, clients, fill: freshKeys(runId), rounds, seconds })
  const { run } = await direct.get(`runs/get?run_id=${runId}`)
  assertEqual('metrics of the server', run.data.metrics.length, results.served * METRICS_PER_BATCH)
  return tell(results, statements)
}

/** Server and statements in turn; both go on counting from round to round, so that keys stay fresh. */
async function alternate({ direct, clients, fill, rounds, seconds }) {
  const results = { server: [], floor: [], served: 0 }
  let replayed = 0
  const serve = () => direct.send(encodePost('runs/log-batch', fill(FIRST + results.served++)))
  // The first round warms both up and is not counted.
  for (let round = 0; round <= rounds; round++) {
    const server = await measure({ clients: 1, seconds, work: serve })
    const floor = await measure({ clients: 1, seconds, work: () => replay(clients, ++replayed) })
    if (round === 0) continue
    results.server.push(server)
    results.floor.push(floor)
  }
  return results
}

/** The INSERT statements of one batch, once the server has prepared them. */
async function recordBatch(recorder, server, runId) {
  const fill = freshKeys(runId)
  for (let i = 1; i <= WARM_UP; i++) await server.send(encodePost('runs/log-batch', fill(FIRST - i)))
  recorder.record()
  await server.send(encodePost('runs/log-batch', fill(FIRST)))
  const inserts = recorder.take().filter(({ text }) => /^\s*(insert|with)\b/i.test(text ?? ''))
  const rows = inserts.filter(({ values }) => values.some((value) => value?.includes(String(FIRST))))
  if (rows.length === 0) throw new Error('The server sent no INSERT statement that can be replayed')
  return rows
}

/** A client for each connection that the server used, with its statements in their order. */
async function connectAll(statements, config) {
  const connections = [...new Set(statements.map(({ connection }) => connection))]
  return Promise.all(
    connections.map(async (connection) => {
      const client = new pg.Client(config)
      await client.connect()
      return { client, statements: statements.filter((statement) => statement.connection === connection) }
    }),
  )
}

async function replay(clients, number) {
  const next = String(FIRST + number)
  const run = async ({ client, statements }) => {
    for (const [i, { text, values }] of statements.entries()) {
      const fresh = values.map((value) => value?.replaceAll(String(FIRST), next) ?? null)
      const { rowCount } = await client.query({ name: `floor-${i}`, text, values: fresh })
      assertEqual('rows of the floor', rowCount, METRICS_PER_BATCH)
    }
  }
  await Promise.all(clients.map(run))
}

function tell(results, statements) {
  const p50 = (of) => median(of.map((round) => round.p50))
  const [serverMs, floorMs] = [p50(results.server), p50(results.floor)]
  const ratio = serverMs / floorMs
  console.log(
    `\nlog-batch of 1000 fresh keys on CrateDB, c1: server ${serverMs.toFixed(1)} ms, its ${statements.length} ` +
      `INSERT statements alone ${floorMs.toFixed(1)} ms (p50): ${ratio.toFixed(2)} × the floor`,
  )
  return { serverMs, floorMs, ratio, statements: statements.map(({ text }) => text) }
}
