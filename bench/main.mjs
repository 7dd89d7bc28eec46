// Tracking through REST: this server beside stock MLflow and mlflow-cratedb, interleaved. See bench/README.md.
import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { measureCeiling } from './ceiling.mjs'
import { CONTENDERS, ON_CRATEDB, ON_POSTGRES, schemaOf, startContender } from './contenders.mjs'
import { measureFloor } from './floor.mjs'
import { readOptions } from './options.mjs'
import { killAll } from './processes.mjs'
import { findPython } from './python.mjs'
import { measureRegistry } from './registry.mjs'
import { idleTable, summarize, workHead, workRows } from './report.mjs'
import { runScale } from './scale.mjs'
import { dropSchemas, openCratedb, openPostgres, removeFolder } from './services.mjs'
import { measureUi } from './ui.mjs'
import { WORKS } from './works.mjs'

const SETTLE_MS = 3000
const IDLE_MS = 5000
const log = (text) => console.error(`# ${text}`)

/** Starts what is asked for and can be had, one after the other, and tells what each takes while idle. */
async function startAll(context, names, defer) {
  const servers = []
  for (const name of names) {
    try {
      servers.push(await startContender(name, context))
      defer(servers.at(-1).stop)
      log(`${name} is up after ${Math.round(servers.at(-1).startMs)} ms`)
    } catch (error) {
      log(`${name} is left out: ${error.message}`)
    }
  }
  return servers
}

async function measureIdle(servers) {
  await sleep(SETTLE_MS)
  const before = servers.map((server) => server.cpuSeconds())
  await sleep(IDLE_MS)
  return servers.map((server, i) => ({
    name: server.name,
    title: server.title,
    startMs: server.startMs,
    memoryMiB: server.memoryMiB(),
    cpuPercent: ((server.cpuSeconds() - before[i]) / (IDLE_MS / 1000)) * 100,
  }))
}

/**
 * Each round gives every server one turn, beginning with another one; who fails once is out of this work. The round
 * before the first one warms all of them up and is not counted.
 */
async function runWork(servers, work, options) {
  const results = new Map(servers.map((server) => [server.name, []]))
  for (let round = 0; round <= options.rounds; round++) {
    for (let turn = 0; turn < servers.length; turn++) {
      const server = servers[(turn + round) % servers.length]
      if (results.get(server.name) instanceof Error) continue
      try {
        const result = await work.run(server, options.seconds, options)
        if (round > 0) results.get(server.name).push(result)
      } catch (error) {
        results.set(server.name, error)
      }
    }
  }
  return summarize(results, work.rows)
}

async function runWorks(servers, options) {
  const titles = Object.fromEntries(servers.map((server) => [server.name, server.title]))
  const report = {}
  console.log(`\n${workHead()}`)
  for (const [title, work] of Object.entries(WORKS).filter(([title]) => options.works.test(title))) {
    report[title] = await runWork(servers, work, options)
    console.log(workRows(title, report[title], titles).join('\n'))
  }
  return report
}

/** Opens the databases that the contenders need; without one, its contenders are left out. */
async function openServices(options, folder, defer) {
  const needs = (names) => options.contenders.some((name) => names.includes(name))
  const cratedb = needs(ON_CRATEDB) ? await openCratedb({ uri: options.cratedb, folder, log }) : undefined
  const postgres = needs(ON_POSTGRES) ? await openPostgres({ uri: options.postgres, folder, log }) : undefined
  for (const service of [cratedb, postgres]) if (service) defer(service.stop)
  const names = options.contenders.filter(
    (name) => (cratedb || !ON_CRATEDB.includes(name)) && (postgres || !ON_POSTGRES.includes(name)),
  )
  return { cratedb, postgres, names }
}

async function compare(options, folder, defer) {
  const { cratedb, postgres, names } = await openServices(options, folder, defer)
  const id = process.pid
  const python = names.some((name) => name.startsWith('stock'))
    ? await findPython(options.python, log)
    : undefined
  const { main, peer } = options
  const uris = { cratedbUri: cratedb?.uri, postgresUri: postgres?.uri }
  if (cratedb)
    defer(() =>
      dropSchemas(
        cratedb.uri,
        ['crateflow', 'peer'].map((name) => schemaOf(name, id)),
      ),
    )
  const servers = await startAll({ folder, id, main, peer, python, ...uris }, names, defer)
  const report = { idle: await measureIdle(servers) }
  console.log(idleTable(report.idle))
  report.works = await runWorks(servers, options)
  if (servers.some(({ name }) => name === 'cratedb') && options.floor) {
    const schema = schemaOf('crateflow', id)
    report.floor = await measureFloor({ ...options, folder, uri: cratedb.uri, schema, defer })
  }
  return report
}

async function scale(options, folder, defer) {
  const cratedb = await openCratedb({ uri: options.cratedb, folder, log })
  if (!cratedb) throw new Error('--scale needs CrateDB')
  defer(cratedb.stop)
  return runScale({ ...options, folder, uri: cratedb.uri, log, defer })
}

function modeOf(options) {
  if (options.ceiling) return measureCeiling
  if (options.registry) return readings(measureRegistry)
  if (options.ui) return readings(measureUi)
  return options.scale ? scale : compare
}

/** Servers whose stores are filled by SQL and then read. */
const readings = (measure) => async (options, folder, defer) => {
  const asked = options.contenders.filter((name) => ['stock-sqlite', 'embedded', 'cratedb'].includes(name))
  const { cratedb, names } = await openServices({ ...options, contenders: asked }, folder, defer)
  const python = await findPython(options.python, log)
  const { main } = options
  const context = { folder, id: process.pid, main, python, cratedbUri: cratedb?.uri, log, defer }
  return measure({ contenders: names, ...context })
}

/** Runs until done or told to stop by a signal; then undoes what was deferred, last first. */
async function main() {
  const options = readOptions(Object.keys(CONTENDERS))
  const folder = mkdtempSync(join(tmpdir(), 'crateflow-bench-'))
  const deferred = [async () => removeFolder(folder)]
  const defer = (undo) => deferred.push(undo)
  const interrupted = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'])
      process.once(signal, () => reject(new Error(`ended by ${signal}`)))
  })
  process.once('exit', killAll)
  const run = modeOf(options)
  try {
    const report = await Promise.race([run(options, folder, defer), interrupted])
    if (options.json) writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
  } finally {
    for (const undo of deferred.reverse()) await undo().catch((error) => log(error.message))
  }
}

await main().catch((error) => {
  log(error.message)
  process.exitCode = 1
})
process.exit()
