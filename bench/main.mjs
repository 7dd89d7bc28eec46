// Tracking through REST: this server beside stock MLflow, FastTrackML and mlflow-cratedb, in turns. See bench/README.md.
import { chmodSync, mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { measureCeiling } from './ceiling.mjs'
import { measureChurn } from './churn.mjs'
import { compare } from './compare.mjs'
import { CONTENDERS } from './contenders.mjs'
import { measureDownsampling } from './downsample.mjs'
import { measureEmbeddedFloor } from './floor-embedded.mjs'
import { readOptions } from './options.mjs'
import { killAll } from './processes.mjs'
import { measureReads, measureRegistry } from './reads.mjs'
import { runScale } from './scale.mjs'
import { removeFolder } from './services.mjs'
import { measureTraces } from './traces.mjs'
import { measureUi } from './ui.mjs'

const log = (text) => console.error(`# ${text}`)

/** Each takes the options and `{ folder, log, defer }`, and answers a report. */
const MODES = {
  ceiling: measureCeiling,
  churn: measureChurn,
  downsample: measureDownsampling,
  'embedded-floor': measureEmbeddedFloor,
  reads: measureReads,
  registry: measureRegistry,
  ui: measureUi,
  scale: runScale,
  traces: measureTraces,
}

/** Runs until done or told to stop by a signal; then undoes what was deferred, last first. */
async function main() {
  const options = readOptions(Object.keys(CONTENDERS))
  const folder = mkdtempSync(join(tmpdir(), 'crateflow-bench-'))
  // Services that run as users of their own go through it to their folders.
  chmodSync(folder, 0o711)
  const deferred = [async () => removeFolder(folder)]
  const defer = (undo) => deferred.push(undo)
  const interrupted = new Promise((_, reject) => {
    for (const signal of ['SIGINT', 'SIGTERM'])
      process.once(signal, () => reject(new Error(`ended by ${signal}`)))
  })
  process.once('exit', killAll)
  const mode = Object.keys(MODES).find((name) => options[name])
  const run = mode ? MODES[mode] : compare
  try {
    const report = await Promise.race([run(options, { folder, log, defer }), interrupted])
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
