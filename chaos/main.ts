// `npm run chaos`: a cluster, two servers, clients at work, one fault after the other, and a table at the end.
import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { findJava } from '../test/support/services/cratedb.ts'
import { type Cluster, startCluster } from './cluster.ts'
import { runEmbedded } from './embedded.ts'
import { CLUSTER_FAULTS, type Fault, type Scene } from './faults.ts'
import { findMinio } from './minio.ts'
import { runObjectStore } from './objects.ts'
import { type Result, runFault } from './run-fault.ts'
import { planServer, type Server } from './servers.ts'
import { runStockClient } from './stock-client.ts'
import { formatTable } from './table.ts'

const STOCK_CLIENT = 'stock-client'
const OBJECT_STORE = 'object-store-away'
const EMBEDDED = 'embedded-killed'
const NAMES = [...CLUSTER_FAULTS.map(({ name }) => name), STOCK_CLIENT, OBJECT_STORE, EMBEDDED]

interface Options {
  only: string[]
  seed: number
  keep: boolean
  home: string
  python: string
}

function readOptions(): Options {
  const { values } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      seed: { type: 'string', default: '1' },
      keep: { type: 'boolean', default: false },
    },
  })
  const unknown = values.only.filter((name) => !NAMES.includes(name))
  if (unknown.length > 0) throw new Error(`No fault ${unknown.join(', ')}. There are: ${NAMES.join(', ')}`)
  return {
    ...values,
    seed: Number(values.seed),
    home: process.env.CRATEDB_HOME || '/usr/share/crate',
    python: process.env.MLFLOW_PYTHON ?? '.venv/bin/python',
  }
}

const chosen = ({ only }: Options, name: string) => only.length === 0 || only.includes(name)

/** All results, what failed otherwise, and what could not be done on this machine. */
interface Outcome {
  results: Result[]
  failed: string[]
  skipped: string[]
}

function note({ results }: Outcome, result: Result): void {
  results.push(result)
  console.log(formatTable([result]).split('\n').at(-1))
  for (const violation of result.violations.slice(0, 20)) console.log(`  ${violation}`)
}

/** A fault that cannot be carried out fails the run; the others are carried out all the same. */
async function attempt(outcome: Outcome, fault: string, run: () => Promise<Result>): Promise<void> {
  try {
    note(outcome, await run())
  } catch (error) {
    outcome.failed.push(`${fault}: ${(error as Error).stack}`)
    console.log(outcome.failed.at(-1))
  }
}

async function runOnCluster(options: Options, folder: string, outcome: Outcome): Promise<void> {
  const faults = CLUSTER_FAULTS.filter(({ name }) => chosen(options, name))
  const withStock = chosen(options, STOCK_CLIENT)
  if (faults.length === 0 && !withStock) return
  const java = existsSync(join(options.home, 'lib')) ? await findJava(options.home) : undefined
  if (!java) {
    outcome.skipped.push(`CrateDB's faults: no distribution at ${options.home}`)
    return
  }
  const cluster = await startCluster({ home: options.home, java, folder })
  const servers: Server[] = []
  try {
    for (const name of ['server-a', 'server-b']) {
      const server = await planServer({ name, backendStoreUri: cluster.uri, folder })
      servers.push(server)
      await server.start()
    }
    await cluster.untilGreen()
    for (const [index, fault] of faults.entries()) {
      const seed = options.seed + index
      console.log(fault.does)
      await attempt(outcome, fault.name, () => runClusterFault(cluster, servers, fault, seed))
    }
    if (withStock && existsSync(options.python)) {
      await attempt(outcome, STOCK_CLIENT, () => runWithStockClient(options, { cluster, servers }))
    } else if (withStock) {
      outcome.skipped.push(`${STOCK_CLIENT}: no Python with MLflow at ${options.python}`)
    }
  } finally {
    await Promise.all(servers.map((server) => server.stop()))
    await cluster.stop()
  }
}

const runClusterFault = (cluster: Cluster, servers: Server[], fault: Fault, seed: number): Promise<Result> =>
  runFault({
    fault: fault.name,
    servers,
    seed,
    run: () => fault.run({ cluster, servers }),
    healed: () => cluster.untilGreen(),
  })

/** A node is killed while the stock client logs to one server. */
async function runWithStockClient({ python, seed }: Options, { cluster, servers }: Scene): Promise<Result> {
  const stock = runStockClient(python, (servers[0] as Server).url, 20)
  stock.catch(() => {})
  const fault = CLUSTER_FAULTS[0] as Fault
  const result = await runClusterFault(cluster, servers, { ...fault, name: STOCK_CLIENT }, seed)
  try {
    const { rounds, writes, slowest_s: slowest, problems } = await stock
    console.log(`  stock client: ${rounds} rounds, ${writes} writes, slowest round ${slowest} s`)
    result.violations.push(...problems.map((problem) => `stock client: ${problem}`))
    result.acknowledged += writes
  } catch (error) {
    result.violations.push(`stock client: ${(error as Error).message.slice(-600)}`)
  }
  return result
}

async function runAll(options: Options, folder: string): Promise<Outcome> {
  const outcome: Outcome = { results: [], failed: [], skipped: [] }
  await runOnCluster(options, folder, outcome)
  if (chosen(options, OBJECT_STORE)) {
    const minio = findMinio()
    if (minio) await attempt(outcome, OBJECT_STORE, () => runObjectStore(minio, folder))
    else outcome.skipped.push(`${OBJECT_STORE}: no minio on the PATH`)
  }
  if (chosen(options, EMBEDDED)) await attempt(outcome, EMBEDDED, () => runEmbedded(folder, options.seed))
  return outcome
}

/** The compiled server looks for the project's files beside itself. */
async function linkProject(): Promise<void> {
  for (const name of ['migrations', 'data', 'package.json']) {
    const link = join(import.meta.dirname, '..', name)
    if (!existsSync(link)) await symlink(join(import.meta.dirname, '../../..', name), link)
  }
}

async function main(): Promise<number> {
  const options = readOptions()
  await linkProject()
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-chaos-'))
  console.log(`Data and logs: ${folder}`)
  const begun = performance.now()
  const { results, failed, skipped } = await runAll(options, folder)
  const violations = results.reduce((sum, result) => sum + result.violations.length, 0)
  console.log(`\n${formatTable(results)}\n`)
  for (const reason of skipped) console.log(`Skipped ${reason}`)
  console.log(`${violations} violations in ${Math.round((performance.now() - begun) / 1000)} s`)
  for (const reason of failed) console.log(`Failed ${reason}`)
  const good = violations === 0 && failed.length === 0 && results.length > 0
  if (good && !options.keep) await rm(folder, { recursive: true, force: true })
  return good ? 0 : 1
}

process.exitCode = await main()
