// Months of use on one store: points, changed tags, runs that come and go; what the store then weighs and answers in.

import { churnTable, publishChurn } from './churn-report.mjs'
import { createChurn } from './churn-works.mjs'
import { startContender } from './contenders.mjs'
import { openContext } from './context.mjs'
import { sizeOf } from './disk.mjs'
import { quantile } from './measure.mjs'

const SAMPLES = 20
const PROBES = 40

/** One contender after the other, each alone. */
export async function measureChurn(options, tools) {
  const { names, context } = await openContext(options, tools)
  const report = {}
  for (const name of names) report[name] = await churnOne(name, options, context)
  if (options.docs) publishChurn(report, options.docs)
  return report
}

async function churnOne(name, { points, tags, runs }, context) {
  let server = await startContender(name, context)
  const title = server.title
  context.defer(() => server.stop())
  const churn = await createChurn(server)
  const samples = [await takeSample(server, churn)]
  for (let slice = 0; slice < SAMPLES; slice++) {
    const began = performance.now()
    const until = (total) => Math.round((total * (slice + 1)) / SAMPLES)
    await churn.logPoints(until(points))
    await churn.changeTags(until(tags))
    await churn.comeAndGo(until(runs))
    const seconds = (performance.now() - began) / 1000
    samples.push({ ...(await takeSample(server, churn)), seconds })
    context.log(`${name}: ${slice + 1} of ${SAMPLES} parts, ${Math.round(seconds)} s`)
  }
  await server.kill()
  server = await server.restart()
  const began = performance.now()
  churn.moveTo(server)
  await churn.probes['runs/search']()
  const restart = { startMs: server.startMs, searchMs: performance.now() - began }
  const wrong = await churn.check().then(
    () => undefined,
    (error) => error.message,
  )
  const result = { title, samples, restart, wrong }
  console.log(churnTable(result))
  await server.stop()
  return result
}

async function takeSample(server, churn) {
  const probes = {}
  for (const [title, ask] of Object.entries(churn.probes)) probes[title] = await takeProbes(ask)
  return { ...churn.done(), ...sizeOf(server.folder), memoryMiB: server.memoryMiB(), probes }
}

/** p50 and p95 of one client; undefined where the server does not know the endpoint. */
async function takeProbes(ask) {
  const ms = []
  try {
    for (let i = 0; i < PROBES; i++) {
      const began = performance.now()
      await ask()
      ms.push(performance.now() - began)
    }
  } catch (error) {
    if (error.status !== 404 && error.status !== 405) throw error
    return undefined
  }
  return { p50: quantile(ms, 0.5), p95: quantile(ms, 0.95) }
}
