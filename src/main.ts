#!/usr/bin/env node
// The program: hands its arguments to cli/ and ends with the exit code that comes back.
import { run } from './cli/program.ts'

// `crateflow … | head`: whoever reads no further has what was wanted.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
}

const code = await run(process.argv.slice(2))
process.exitCode = code
// A command that failed may have left something open that would keep the program for a while.
if (code !== 0) process.exit()
