// Reads over stores that REST has filled: every endpoint that reads, and what the web UI asks, in turns.
import { VARIANTS } from './ask.mjs'
import { startContender } from './contenders.mjs'
import { openContext } from './context.mjs'
import { emptyStore, fillStore } from './fill.mjs'
import { quantile } from './measure.mjs'
import { planOf } from './plan.mjs'
import { LOGGED_MODEL_ROWS, REGISTRY_ROWS } from './reads-models.mjs'
import { readsTable, summaryLines } from './reads-report.mjs'
import { ARTIFACT_ROWS, EXPERIMENT_ROWS, METRIC_ROWS } from './reads-rest.mjs'
import { RUN_ROWS } from './reads-runs.mjs'
import { UI_ROWS } from './reads-ui.mjs'

/** What a turn of a contender is. */
const REQUESTS_PER_TURN = 10
const TURN_MS = 400
/** A row whose answers take longer is checked in fewer variants. */
const CHECK_MS = 3000

const ROWS = [
  ...RUN_ROWS,
  ...EXPERIMENT_ROWS,
  ...METRIC_ROWS,
  ...ARTIFACT_ROWS,
  ...LOGGED_MODEL_ROWS,
  ...REGISTRY_ROWS,
  ...UI_ROWS,
]

/** Stores grow from size to size; each is measured at each size that it reaches. */
export async function measureReads(options, tools) {
  const { points } = options
  const sizes = options.reads.map((runs) => ({
    label: `${runs.toLocaleString('en')} runs`,
    plan: planOf({ runs, loggedModels: runs / 10, registeredModels: runs / 100, points }),
  }))
  return measureSizes({ sizes, rows: ROWS, options, tools })
}

/** The registry's part of the same. */
export async function measureRegistry(options, tools) {
  const plan = planOf({ runs: 100, registeredModels: options.models })
  const sizes = [{ label: `${options.models.toLocaleString('en')} registered models`, plan }]
  return measureSizes({ sizes, rows: REGISTRY_ROWS, options, tools })
}

async function measureSizes({ sizes, rows, options, tools }) {
  const { names, context } = await openContext(options, tools)
  let stores = []
  for (const name of names) stores.push(emptyStore(await startOne(name, context)))
  const chosen = rows.filter(({ title }) => options.works.test(title))
  const report = {}
  for (const { label, plan } of sizes) {
    const fills = await fillAll(stores, plan, { ...tools, seconds: options.seedSeconds })
    stores = stores.filter(({ name }) => !fills[name].failed)
    const measured = await measureRows(stores, chosen, { plan, rounds: options.rounds, log: tools.log })
    report[label] = { fills, rows: measured }
    const titles = Object.fromEntries(stores.map(({ name, title }) => [name, title]))
    console.log(`\n${label}\n\n${readsTable(measured, titles)}\n\n${summaryLines(measured, titles, fills)}`)
  }
  return report
}

async function startOne(name, context) {
  const server = await startContender(name, context)
  context.defer(server.stop)
  return server
}

/** One after the other; who is too slow or fails is told and measured no more. */
async function fillAll(stores, plan, { seconds, log }) {
  const fills = {}
  for (const store of stores) {
    const began = performance.now()
    const failed = await fillStore(store, plan, { seconds, log }).then(
      () => undefined,
      (error) => error.message.split('\n')[0].slice(0, 200),
    )
    fills[store.name] = { seconds: Math.round((performance.now() - began) / 1000), failed }
    const lacks = ['datasets', 'models', 'registry', 'artifacts'].filter((one) => !store.features.has(one))
    const lacking = lacks.length > 0 ? `, lacks ${lacks.join(', ')}` : ''
    log(`${store.name}: ${failed ?? `filled in ${fills[store.name].seconds} s${lacking}`}`)
  }
  return fills
}

async function measureRows(stores, rows, { plan, rounds, log }) {
  const measured = {}
  for (const [i, row] of rows.entries()) {
    measured[row.title] = await measureRow(stores, row, { plan, rounds })
    if (i % 10 === 9) log(`${i + 1} of ${rows.length} reads`)
  }
  return measured
}

/** Contender → p50 and p95, and CPU time of the server in milliseconds, or what kept it from being measured. The first turns only warm up. */
async function measureRow(stores, row, { plan, rounds }) {
  const { figures, asked } = await checkAll(stores, row, plan)
  for (let turn = 0; turn <= rounds; turn++) {
    for (let i = 0; i < asked.length; i++) {
      const one = asked[(i + turn) % asked.length]
      if (figures[one.store.name].failed) continue
      try {
        const { ms, cpuMs } = await takeTurn(one)
        if (turn === 0) continue
        one.ms.push(...ms)
        one.cpuMs += cpuMs
      } catch (error) {
        figures[one.store.name] = { failed: error.message }
      }
    }
  }
  for (const { store, ms, cpuMs } of asked) {
    if (figures[store.name].failed) continue
    const taken = { p50: quantile(ms, 0.5), p95: quantile(ms, 0.95), cpuMs: cpuMs / ms.length }
    Object.assign(figures[store.name], taken)
  }
  return figures
}

/** Which contenders answer, each with its requests, and what is said of the others. */
async function checkAll(stores, row, plan) {
  const figures = {}
  const asked = []
  let agreed
  for (const store of stores) {
    try {
      const checked = await checkRow(store, row, plan, agreed)
      agreed ??= checked.answers
      asked.push({ store, ...checked, ms: [], cpuMs: 0 })
      figures[store.name] = { wrong: checked.wrong }
    } catch (error) {
      const lacks = error.lacks || [404, 405, 501].includes(error.status)
      figures[store.name] = lacks ? { lacks: true } : { failed: error.message.split('\n')[0] }
    }
  }
  return { figures, asked }
}

/**
 * Asks each variant once and compares what is answered with the plan, or with what the first contender has answered.
 * @returns requests with the lengths of their answers, and the first answer that is wrong
 */
async function checkRow(store, row, plan, agreed) {
  if (row.needs && !store.features.has(row.needs)) throw Object.assign(new Error('lacks'), { lacks: true })
  const prepared = await row.prepare?.(store, plan)
  const requests = []
  const answers = []
  let wrong
  const began = performance.now()
  for (let v = 0; v < (row.variants ?? VARIANTS); v++) {
    const request = row.ask(store, v, prepared)
    const body = await store.server.send(request)
    answers[v] = row.read(JSON.parse(body), store)
    const expected = row.expected ? row.expected(plan, v) : agreed?.[v]
    if (expected !== undefined && answers[v] !== expected)
      wrong ??= `found ${shorten(answers[v])}, expected ${shorten(expected)}`
    requests.push({ request, length: body.length })
    if (performance.now() - began > CHECK_MS) break
  }
  return { requests, answers, wrong }
}

const shorten = (text) => (text.length > 60 ? `${text.slice(0, 60)}…` : text)

/**
 * Some requests, variant by variant; each answer must be as long as the one that was checked.
 * @returns milliseconds of each, and CPU time of the server for all of them
 */
async function takeTurn({ store, requests }) {
  const ms = []
  const cpuBefore = store.server.cpuSeconds()
  const began = performance.now()
  for (let i = 0; i < REQUESTS_PER_TURN; i++) {
    const { request, length } = requests[i % requests.length]
    const at = performance.now()
    const body = await store.server.send(request)
    ms.push(performance.now() - at)
    if (body.length !== length) throw new Error(`an answer of ${body.length} bytes, first ${length}`)
    if (performance.now() - began > TURN_MS) break
  }
  return { ms, cpuMs: (store.server.cpuSeconds() - cpuBefore) * 1000 }
}
