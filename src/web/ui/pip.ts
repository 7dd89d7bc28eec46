// Fetches wheels by the pip of this machine, with its own settings for indexes, proxies and certificates.
import { spawn } from 'node:child_process'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { UiError } from './errors.ts'

type Command = readonly [string, ...string[]]

interface Ended {
  code: number | null
  output: string
}

const COMMANDS: readonly Command[] = [
  ['python3', '-m', 'pip'],
  ['python', '-m', 'pip'],
  ...(process.platform === 'win32' ? [['py', '-m', 'pip'] as const] : []),
  ['pip3'],
  ['pip'],
]

/** Characters of pip's output that are kept to tell what went wrong. */
const KEPT = 20_000

/**
 * Downloads the wheel of one MLflow version. pip compares it with the hash that the index names.
 * @param python whose pip to use; undefined for the first that works
 * @returns the path of the wheel in `folder`
 * @throws UiError when there is no pip, no network or no such version
 */
export async function downloadWheel(
  version: string,
  { folder, python, signal }: { folder: string; python?: string; signal?: AbortSignal },
): Promise<string> {
  const pip = await findPip(python, signal)
  const { code, output } = await run(
    [
      ...pip,
      ...['download', `mlflow==${version}`, '--dest', folder, '--no-deps', '--only-binary=:all:'],
      // The files of the UI run on no Python.
      ...['--ignore-requires-python', '--disable-pip-version-check', '--no-input', '--progress-bar', 'off'],
    ],
    signal,
  )
  signal?.throwIfAborted()
  if (code !== 0) throw new UiError(explain(output, version))
  const wheel = (await readdir(folder)).find((name) => name.endsWith('.whl'))
  if (!wheel) throw new UiError('pip has downloaded no wheel.')
  return join(folder, wheel)
}

async function findPip(python: string | undefined, signal: AbortSignal | undefined): Promise<Command> {
  const commands: readonly Command[] = python === undefined ? COMMANDS : [[python, '-m', 'pip']]
  for (const command of commands) {
    const { code } = await run([...command, '--version'], signal)
    signal?.throwIfAborted()
    if (code === 0) return command
  }
  throw new UiError(
    python === undefined
      ? 'There is no Python with pip here, which fetches the web UI.'
      : `${python} has no pip, which fetches the web UI.`,
  )
}

/** Runs a command to its end; one that does not exist ends with a code, too. */
function run(command: Command, signal: AbortSignal | undefined): Promise<Ended> {
  const [program, ...args] = command
  return new Promise((resolve) => {
    let output = ''
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true, signal })
    const keep = (text: string) => {
      output = (output + text).slice(-KEPT)
    }
    child.stdout.setEncoding('utf8').on('data', keep)
    child.stderr.setEncoding('utf8').on('data', keep)
    child.once('error', (error) => resolve({ code: -1, output: error.message }))
    child.once('close', (code) => resolve({ code, output }))
  })
}

/** What pip's output means. It says that a version does not exist even when it has not reached the index. */
function explain(output: string, version: string): string {
  if (/DO NOT MATCH THE HASHES|HashMismatch/i.test(output)) {
    return 'What pip downloaded is not what its index promised: the hash differs.'
  }
  if (/No space left on device|Errno 28/i.test(output)) return 'The disk is full.'
  if (
    /NewConnectionError|ConnectionError|Connection (broken|refused|reset)|Retrying|ProxyError|SSLError|timed out/i.test(
      output,
    )
  ) {
    return `pip does not reach its package index: ${lastLine(output, /WARNING|ERROR/)}`
  }
  // Every index that mirrors PyPI has some version.
  if (/\(from versions: none\)/.test(output)) {
    return 'pip finds no MLflow at all at its package index: it may be out of reach, or lack it.'
  }
  if (/No matching distribution found/.test(output))
    return `pip finds no MLflow ${version} at its package index.`
  return `pip failed: ${lastLine(output, /ERROR|error/)}`
}

function lastLine(output: string, telling: RegExp): string {
  const lines = output
    .split('\n')
    .map((line) => line.trim())
    .filter(Boolean)
  return (lines.findLast((line) => telling.test(line)) ?? lines.at(-1) ?? 'it said nothing').slice(0, 500)
}
