// How tests run: two files at a time, since each may hold an embedded database of some hundred megabytes.
import { defineConfig } from 'vitest/config'
import { makeMemoryFolder } from './test/support/memory-folder.ts'
import { SlowFirst } from './test/support/slow-first.ts'
import { summaryReporter } from './test/support/summary-reporter.ts'

// Inherited by all that tests start.
const folder = process.env.TMPDIR ?? makeMemoryFolder()
if (folder) process.env.TMPDIR = folder

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    reporters: ['default', summaryReporter()],
    sequence: { sequencer: SlowFirst },
    pool: 'forks',
    // PostgreSQL's largest functions take V8 seconds of a core to optimise, which no test lives long enough to gain from.
    execArgv: ['--liftoff-only'],
    env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true' },
    maxWorkers: 2,
    // Nothing is asserted about time; these only end what hangs, on machines that are busy too.
    testTimeout: 120_000,
    hookTimeout: 300_000,
    teardownTimeout: 60_000,
  },
})
