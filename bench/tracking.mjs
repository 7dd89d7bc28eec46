// Ingest and reading through REST, ours beside stock MLflow, interleaved in one run. See bench/README.md.
import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { Agent, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const { values: options } = parseArgs({
  options: {
    against: { type: 'string', default: 'mlflow' },
    cratedb: { type: 'string' },
    rounds: { type: 'string', default: '3' },
    seconds: { type: 'string', default: '3' },
    python: { type: 'string', default: process.env.MLFLOW_PYTHON ?? '.venv/bin/python' },
  },
})
const ROUNDS = Number(options.rounds)
const SECONDS = Number(options.seconds)
const root = mkdtempSync(join(tmpdir(), 'crateflow-bench-'))

/** Asks with keep-alive; resolves with the decoded body, rejects unless the status is 200. */
function client(port) {
  // Idle sockets go before a server drops them (uvicorn does after five seconds).
  const agent = new Agent({ keepAlive: true, maxSockets: 64, timeout: 3000 })
  const ask = (method, path, body) =>
    new Promise((resolve, reject) => {
      const payload = body === undefined ? undefined : JSON.stringify(body)
      const headers = payload
        ? { 'content-type': 'application/json', 'content-length': Buffer.byteLength(payload) }
        : {}
      const sent = request({ host: '127.0.0.1', port, method, path, headers, agent }, (response) => {
        const chunks = []
        response.on('data', (chunk) => chunks.push(chunk))
        response.on('end', () => {
          const text = Buffer.concat(chunks).toString()
          if (response.statusCode === 200) resolve(text.startsWith('{') ? JSON.parse(text) : text)
          else reject(new Error(`${method} ${path} answered ${response.statusCode}: ${text.slice(0, 300)}`))
        })
      })
      sent.on('error', reject)
      sent.end(payload)
    })
  return {
    post: (path, body) => ask('POST', `/api/2.0/mlflow/${path}`, body),
    get: (path) => ask('GET', path),
  }
}

async function freePort() {
  const { createServer } = await import('node:net')
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

/** Starts a server and waits for /health. */
async function start(name, command, args) {
  const port = await freePort()
  const begun = performance.now()
  const child = spawn(command, [...args, '--port', String(port)], { stdio: 'ignore', detached: true })
  const { get, post } = client(port)
  for (;;) {
    if (child.exitCode !== null) throw new Error(`${name} ended with ${child.exitCode}`)
    if ((await get('/health').catch(() => '')) === 'OK') break
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  return {
    name,
    get,
    post,
    startMs: performance.now() - begun,
    memoryMiB: () => groupMemory(child.pid),
    stop: () => process.kill(-child.pid, 'SIGTERM'),
  }
}

/** Proportional memory of all processes of a group, in MiB. */
function groupMemory(group) {
  let kib = 0
  for (const pid of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    try {
      const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      if (Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]) !== group) continue
      kib += Number(/^Pss:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'))?.[1] ?? 0)
    } catch {}
  }
  return Math.round(kib / 1024)
}

/** Runs `work(i)` from a number of clients for a time; answers requests a second and latencies. */
async function measure(clients, work) {
  const latencies = []
  const begun = performance.now()
  const end = begun + SECONDS * 1000
  let next = 0
  await Promise.all(
    Array.from({ length: clients }, async () => {
      while (performance.now() < end) {
        const at = performance.now()
        await work(next++)
        latencies.push(performance.now() - at)
      }
    }),
  )
  const seconds = (performance.now() - begun) / 1000
  latencies.sort((a, b) => a - b)
  const at = (share) => latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * share))]
  return { count: latencies.length, perSecond: latencies.length / seconds, p50: at(0.5), p99: at(0.99) }
}

async function newRun(server) {
  const name = `bench-${crypto.randomUUID()}`
  const { experiment_id } = await server.post('experiments/create', { name })
  const { run } = await server.post('runs/create', { experiment_id, start_time: Date.now() })
  return { experimentId: experiment_id, runId: run.info.run_id }
}

const assertEqual = (what, found, expected) => {
  if (found !== expected) throw new Error(`${what}: found ${found}, expected ${expected}`)
}

/** Logs single metrics, then reads the latest value back: the highest step must have won. */
const logMetric = (clients) => async (server) => {
  const { runId } = await newRun(server)
  const result = await measure(clients, (i) =>
    server.post('runs/log-metric', { run_id: runId, key: 'loss', value: i, timestamp: i, step: i }),
  )
  const { run } = await server.get(`/api/2.0/mlflow/runs/get?run_id=${runId}`)
  assertEqual('latest step', run.data.metrics[0].step, result.count - 1)
  return result
}

/** Logs batches of 1000 metrics under fresh keys, then counts the keys. */
const logBatch = (clients) => async (server) => {
  const { runId } = await newRun(server)
  const result = await measure(clients, (i) =>
    server.post('runs/log-batch', {
      run_id: runId,
      metrics: Array.from({ length: 1000 }, (_, k) => ({
        key: `m${i % 5}-${k}`,
        value: k,
        timestamp: i,
        step: i,
      })),
    }),
  )
  const { run } = await server.get(`/api/2.0/mlflow/runs/get?run_id=${runId}`)
  assertEqual('metric keys', run.data.metrics.length, Math.min(5, result.count) * 1000)
  return result
}

const createRun = (clients) => async (server) => {
  const { experimentId } = await newRun(server)
  const result = await measure(clients, () =>
    server.post('runs/create', { experiment_id: experimentId, start_time: 1 }),
  )
  const { runs } = await server.post('runs/search', { experiment_ids: [experimentId], max_results: 50000 })
  assertEqual('runs', runs.length, result.count + 1)
  return result
}

const getRun = (clients) => async (server) => {
  const { runId } = await newRun(server)
  const rows = (count) => Array.from({ length: count }, (_, k) => ({ key: `k${k}`, value: String(k) }))
  await server.post('runs/log-batch', {
    run_id: runId,
    params: rows(100),
    metrics: rows(100).map(({ key, value }) => ({ key, value: Number(value), timestamp: 1, step: 1 })),
  })
  return measure(clients, async () => {
    const { run } = await server.get(`/api/2.0/mlflow/runs/get?run_id=${runId}`)
    assertEqual('params', run.data.params.length, 100)
  })
}

const WORKS = {
  'log-metric, 1 client': logMetric(1),
  'log-metric, 8 clients': logMetric(8),
  'log-metric, 64 clients': logMetric(64),
  'log-batch of 1000 metrics, 1 client': logBatch(1),
  'log-batch of 1000 metrics, 4 clients': logBatch(4),
  'create run, 1 client': createRun(1),
  'create run, 8 clients': createRun(8),
  'get run of 100 params and 100 metrics, 1 client': getRun(1),
}

const median = (numbers) => [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)]

async function startAll() {
  const ours = (...args) => ['dist/main.js', 'server', '--log-level', 'warn', ...args]
  const servers = [
    await start(
      'embedded',
      process.execPath,
      ours('--backend-store-uri', `pglite:${root}/store`, '--artifacts-destination', `${root}/artifacts`),
    ),
  ]
  if (options.cratedb) {
    servers.push(
      await start(
        'CrateDB',
        process.execPath,
        ours('--backend-store-uri', options.cratedb, '--artifacts-destination', `${root}/artifacts`),
      ),
    )
  }
  if (options.against === 'mlflow') {
    if (!existsSync(options.python))
      throw new Error(`No Python at ${options.python}: run npm test once, or name one by --python`)
    const args = [
      '-m',
      'mlflow',
      'server',
      '--backend-store-uri',
      `sqlite:///${root}/stock.db`,
      '--artifacts-destination',
      `${root}/stock`,
    ]
    servers.push(
      await start('stock SQLite', options.python, [...args, '--workers', '1', '--host', '127.0.0.1']),
    )
  }
  return servers
}

const servers = await startAll()
try {
  await new Promise((resolve) => setTimeout(resolve, 2000))
  console.log('| server | start to /health (ms) | idle memory (MiB) |\n|---|---|---|')
  for (const server of servers)
    console.log(`| ${server.name} | ${Math.round(server.startMs)} | ${server.memoryMiB()} |`)
  const stock = servers.find(({ name }) => name.startsWith('stock'))
  console.log('\n| work | server | requests/s | p50 (ms) | p99 (ms) | × stock |\n|---|---|---|---|---|---|')
  for (const [title, work] of Object.entries(WORKS)) {
    const results = new Map(servers.map((server) => [server, []]))
    for (let round = 0; round < ROUNDS; round++) {
      for (const server of servers) results.get(server).push(await work(server))
    }
    const rate = (server) => median(results.get(server).map(({ perSecond }) => perSecond))
    for (const server of servers) {
      const figure = (name) => median(results.get(server).map((result) => result[name])).toFixed(1)
      const ratio = stock ? (rate(server) / rate(stock)).toFixed(1) : ''
      console.log(
        `| ${title} | ${server.name} | ${rate(server).toFixed(1)} | ${figure('p50')} | ${figure('p99')} | ${ratio} |`,
      )
    }
  }
} finally {
  for (const server of servers) server.stop()
  await new Promise((resolve) => setTimeout(resolve, 2000))
  rmSync(root, { recursive: true, force: true })
}
