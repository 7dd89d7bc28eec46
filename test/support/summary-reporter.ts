// Tells which files took longest, what was skipped, by name and count, and ends the output with one line of totals.
import { createHash } from 'node:crypto'
import { writeSync } from 'node:fs'
import type { Reporter, SerializedError, TestModule } from 'vitest/node'

interface Totals {
  passed: number
  failed: number
  skipped: Map<string, number>
  /** Seconds of each file, the slowest first. */
  files: { name: string; seconds: number }[]
}

const SLOWEST = 10
/** Suites that another command runs count together. */
const LEFT_OUT = /\bon \w+ \(part of npm run test:engines\)/
/** What a file may take on the machine that these limits were set on, in seconds. What takes longer is two files, or part of test:long. */
const LIMIT_SECONDS = 240
/** How much longer it may take when two files share the machine with what they start. */
const TOLERANCE = 3
/** What `cpuMs` takes there. */
const REFERENCE_MS = 170

/** Milliseconds of a fixed piece of work, the least of some. */
function cpuMs(): number {
  const times = Array.from({ length: 5 }, () => {
    const began = performance.now()
    for (let i = 0; i < 60_000; i++) createHash('sha256').update(String(i)).digest()
    return performance.now() - began
  })
  return Math.min(...times)
}

/**
 * The last line is written when the process ends, after everything else that prints. A file that cannot be
 * loaded and an error outside of any test count as failed; so does a run that never came to its end.
 */
export function summaryReporter(): Reporter {
  let totals: Totals = { passed: 0, failed: 1, skipped: new Map(), files: [] }
  let limit = LIMIT_SECONDS * TOLERANCE
  return {
    onInit() {
      process.once('exit', (code) => {
        // A set-up that fails leaves no test behind, only the exit code.
        if (code !== 0 && totals.failed === 0) totals.failed = 1
        writeSync(1, summary(totals, limit))
      })
    },
    onTestRunEnd(modules, unhandled) {
      totals = count(modules, unhandled)
      const overLimit = () => slowest(totals).filter(({ seconds }) => seconds > limit)
      // How slow the machine is, is asked only when that decides.
      if (overLimit().length > 0) limit *= Math.max(1, cpuMs() / REFERENCE_MS)
      const tooSlow = overLimit()
      totals.failed += tooSlow.length
      if (tooSlow.length > 0) process.exitCode = 1
    },
  }
}

function count(modules: readonly TestModule[], unhandled: readonly SerializedError[]): Totals {
  const totals: Totals = { passed: 0, failed: unhandled.length, skipped: new Map(), files: [] }
  for (const module of modules) {
    let failedTests = 0
    for (const test of module.children.allTests()) {
      const { state } = test.result()
      if (state === 'passed') totals.passed++
      else if (state === 'failed') failedTests++
      else {
        const name = test.parent.type === 'suite' ? test.parent.fullName : module.relativeModuleId
        const group = LEFT_OUT.exec(name)?.[0] ?? name
        totals.skipped.set(group, (totals.skipped.get(group) ?? 0) + 1)
      }
    }
    // A failing hook or an error while loading leaves a failed file in which no test failed.
    totals.failed += failedTests || (module.state() === 'failed' ? 1 : 0)
    const { collectDuration, duration } = module.diagnostic()
    totals.files.push({ name: module.relativeModuleId, seconds: (collectDuration + duration) / 1000 })
  }
  totals.files.sort((a, b) => b.seconds - a.seconds)
  return totals
}

/** Of a part of the tests that is named on the command line, nothing is said about times. */
const slowest = ({ files }: Totals) => (files.length > SLOWEST ? files.slice(0, SLOWEST) : [])

/** Where the time goes: seconds of the files of each folder. */
function foldersLine({ files }: Totals): string {
  const folders = new Map<string, number>()
  for (const { name, seconds } of files) {
    const folder = name.split('/').slice(0, 2).join('/')
    folders.set(folder, (folders.get(folder) ?? 0) + seconds)
  }
  const sorted = [...folders].sort(([, a], [, b]) => b - a)
  return `\nSeconds by folder: ${sorted.map(([folder, seconds]) => `${folder} ${seconds.toFixed(0)}`).join(', ')}\n`
}

function summary(totals: Totals, limit: number): string {
  const { passed, failed, skipped } = totals
  const counts = [...skipped.values()].reduce((sum, tests) => sum + tests, 0)
  const names = [...skipped].map(([name, tests]) => `  ${tests} × ${name}\n`)
  const list = names.length ? `\nSkipped:\n${names.join('')}` : ''
  const times = slowest(totals).map(({ name, seconds }) => {
    const over = seconds > limit ? `, longer than the ${limit.toFixed(0)} s that a file may take here` : ''
    return `${seconds.toFixed(0).padStart(5)} s  ${name}${over}\n`
  })
  const slow = times.length ? `\nSlowest files:\n${times.join('')}${foldersLine(totals)}` : ''
  return `${slow}${list}\n${passed} passed, ${failed} failed, ${counts} skipped\n`
}
