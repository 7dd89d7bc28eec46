#!/usr/bin/env node
// The program: hands its arguments to cli/ and ends with the exit code that comes back.
import { run } from './cli/program.ts'

process.exitCode = await run(process.argv.slice(2))
