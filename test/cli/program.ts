// The compiled program as users run it: its output, its exit code, and signals to its process.
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach } from 'vitest'
import { type HttpAnswer, sendHttp } from '../support/http.ts'
import { useService } from '../support/services.ts'

export interface Ended {
  /** Undefined when a signal ended it. */
  code: number | undefined
  stdout: string
  stderr: string
}

export interface RunOptions {
  env?: Record<string, string>
  cwd?: string
  /** Another program than that of the run. */
  main?: string
}

/** Variables of this process that would configure the program. */
const foreign = /^(MLFLOW_|CRATEFLOW_|OTEL_|S3_ENDPOINT$)/

/** Programs that have not ended, and when they have. */
const running = new Map<ChildProcess, Promise<Ended>>()
const folders: string[] = []
afterEach(async () => {
  for (const child of running.keys()) child.kill('SIGKILL')
  // What they had open is free then.
  await Promise.all(running.values())
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/** An empty folder that is removed after the test. */
export async function emptyFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-cli-'))
  folders.push(folder)
  return folder
}

async function launch(args: readonly string[], options: RunOptions) {
  const main = options.main ?? (await useService('build')).main
  const own = Object.entries(process.env).filter(([name]) => !foreign.test(name))
  const child = spawn(process.execPath, [main, ...args], {
    cwd: options.cwd ?? (await emptyFolder()),
    // The web UI is fetched by the tests that are about it alone.
    env: { ...Object.fromEntries(own), CRATEFLOW_UI: 'false', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output.stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output.stderr += text
  })
  const ended = new Promise<Ended>((resolve) => {
    child.once('close', (code) => {
      running.delete(child)
      resolve({ code: code ?? undefined, ...output })
    })
  })
  running.set(child, ended)
  return { child, output, ended }
}

/** Runs the program to its end. */
export const runProgram = async (args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  (await launch(args, options)).ended

export interface RunningServer {
  url: string
  pid: number
  request: (method: string, path: string, body?: unknown) => Promise<HttpAnswer>
  output: { readonly stdout: string; readonly stderr: string }
  signal: (name: 'SIGTERM' | 'SIGINT' | 'SIGKILL') => void
  ended: Promise<Ended>
}

/** Runs `crateflow server` on any free port and waits for the URL that it prints. */
export async function runServer(args: readonly string[], options: RunOptions = {}): Promise<RunningServer> {
  const { child, output, ended } = await launch(['server', '--port', '0', ...args], options)
  const url = await Promise.race([
    new Promise<string>((resolve) => {
      child.stdout.on('data', () => {
        const match = /^export MLFLOW_TRACKING_URI=(\S+)\n/m.exec(output.stdout)
        if (match?.[1]) resolve(match[1])
      })
    }),
    ended.then((end) => {
      throw new Error(`The server ended with code ${end.code}:\n${end.stderr}`)
    }),
  ])
  return {
    url,
    pid: child.pid ?? 0,
    request: (method, path, body) => sendHttp(url, method, path, body),
    output,
    signal: (name) => void child.kill(name),
    ended,
  }
}

/** As `runServer`, without waiting for anything. */
export async function beginServer(args: readonly string[], options: RunOptions = {}) {
  const { child, output, ended } = await launch(['server', '--port', '0', ...args], options)
  return { output, ended, signal: (name: NodeJS.Signals) => void child.kill(name) }
}

/** A run of the default experiment; answers its id. */
export async function createRun(server: RunningServer): Promise<string> {
  const { body } = await server.request('POST', '/api/2.0/mlflow/runs/create', { experiment_id: '0' })
  return (body as { run: { info: { run_id: string } } }).run.info.run_id
}
