// Runs `crateflow import mlflow` as users do, and ends it in the middle as a crash would.
import { spawn } from 'node:child_process'
import { type Ended, type RunOptions, runProgram } from '../cli/program.ts'
import { SMALL } from '../support/server.ts'
import { useService } from '../support/services.ts'

export const runMove = (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  runProgram(args, { ...options, env: { ...SMALL, ...options.env } })

export const importMlflow = (from: string, to: string, args: readonly string[] = []): Promise<Ended> =>
  runMove(['import', 'mlflow', '--from', from, '--to', to, ...args])

/** Begins a move and kills it after a while. @returns whether it was still under way */
export async function killMove(args: readonly string[], afterMs: number): Promise<boolean> {
  const { main } = await useService('build')
  const child = spawn(process.execPath, [main, ...args], {
    env: { ...process.env, ...SMALL },
    stdio: 'ignore',
  })
  const ended = new Promise<NodeJS.Signals | null>((resolve) =>
    child.once('close', (_code, signal) => resolve(signal)),
  )
  const timer = setTimeout(() => child.kill('SIGKILL'), afterMs)
  const signal = await ended
  clearTimeout(timer)
  return signal === 'SIGKILL'
}

/** Counts of the report's table, by table: source, store, written. */
export function countsOf(stdout: string): Record<string, [source: number, store: number, written: number]> {
  const rows = [
    ...stdout.matchAll(/^(\w+) +(\d+) +(\d+) +(\d+) +[0-9a-f]{16} +[0-9a-f]{16} +(equal|DIFFERENT)$/gm),
  ]
  return Object.fromEntries(
    rows.map(([, table = '', ...counts]) => [
      table,
      counts.slice(0, 3).map(Number) as [number, number, number],
    ]),
  )
}
