// The comparison: works on servers with stores that were empty before, in turns.
import { setTimeout as sleep } from 'node:timers/promises'
import { schemaOf, startContender } from './contenders.mjs'
import { openContext } from './context.mjs'
import { measureFloor } from './floor.mjs'
import { startBusy } from './processes.mjs'
import { idleTable, summarize, workHead, workRows } from './report.mjs'
import { WORKS } from './works.mjs'

const SETTLE_MS = 3000
const IDLE_MS = 5000

/** Starts what can be had, measures it while idle, then work by work. */
export async function compare(options, tools) {
  const { names, context } = await openContext(options, tools)
  const servers = await startAll(names, context)
  const report = { idle: await measureIdle(servers) }
  console.log(idleTable(report.idle))
  report.works = await runWorks(servers, options)
  if (servers.some(({ name }) => name === 'cratedb') && options.floor) {
    const { folder, cratedbUri: uri, id, defer } = context
    report.floor = await measureFloor({
      ...options,
      folder,
      uri,
      schema: schemaOf('crateflow', id),
      defer,
    })
  }
  return report
}

/** One contender after the other, each a second time on what its first start has made. */
async function startAll(names, context) {
  const servers = []
  for (const name of names) {
    try {
      const first = await startContender(name, context)
      await first.stop()
      const server = { ...(await first.restart()), firstStartMs: first.startMs }
      servers.push(server)
      context.defer(server.stop)
      context.log(
        `${name} is up after ${Math.round(first.startMs)} ms, again after ${Math.round(server.startMs)}`,
      )
    } catch (error) {
      context.log(`${name} is left out: ${error.message}`)
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
    firstStartMs: server.firstStartMs,
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
  startBusy(options.load)
  if (options.load) console.log(`\nBeside ${options.load} processes that take all the CPU time they can get:`)
  console.log(`\n${workHead()}`)
  for (const [title, work] of Object.entries(WORKS).filter(([title]) => options.works.test(title))) {
    report[title] = await runWork(servers, work, options)
    console.log(workRows(title, report[title], titles).join('\n'))
  }
  return report
}
