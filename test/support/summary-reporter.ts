// Tells which files took longest, what was skipped, by name and count, and ends the output with one line of totals.
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

/**
 * The last line is written when the process ends, after everything else that prints. A file that cannot be
 * loaded and an error outside of any test count as failed; so does a run that never came to its end.
 */
export function summaryReporter(): Reporter {
  let totals: Totals = { passed: 0, failed: 1, skipped: new Map(), files: [] }
  return {
    onInit() {
      process.once('exit', (code) => {
        // A set-up that fails leaves no test behind, only the exit code.
        if (code !== 0 && totals.failed === 0) totals.failed = 1
        writeSync(1, summary(totals))
      })
    },
    onTestRunEnd(modules, unhandled) {
      totals = count(modules, unhandled)
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
        const group = test.parent.type === 'suite' ? test.parent.fullName : module.relativeModuleId
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

function summary({ passed, failed, skipped, files }: Totals): string {
  const counts = [...skipped.values()].reduce((sum, tests) => sum + tests, 0)
  const names = [...skipped].map(([name, tests]) => `  ${tests} × ${name}\n`)
  const list = names.length ? `\nSkipped:\n${names.join('')}` : ''
  const slowest = files.length > SLOWEST ? files.slice(0, SLOWEST) : []
  const times = slowest.map(({ name, seconds }) => `${seconds.toFixed(0).padStart(5)} s  ${name}\n`)
  const slow = times.length ? `\nSlowest files:\n${times.join('')}` : ''
  return `${slow}${list}\n${passed} passed, ${failed} failed, ${counts} skipped\n`
}
