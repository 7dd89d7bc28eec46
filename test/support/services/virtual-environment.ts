// Makes Python environments for tests, once: they are kept until their requirements change.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { withLock } from './lock.ts'

const CACHE = join(import.meta.dirname, '../../../.cache')
const COMMANDS = ['python3', 'python3.12', 'python3.11', 'python3.13', 'python3.10', 'python']
const UV = 'uv==0.13.9'
/** Minor versions of Python 3 that the pinned packages have wheels for. */
const MINORS = [10, 11, 12, 13]

export interface VirtualEnvironment {
  folder: string
  /** A file that pip reads. */
  requirements: string
  /** What is in it, in words. */
  holds: string
  /** Tried before all others to make it with. */
  interpreter?: string
  /** A Python whose packages it sees below its own, which then come without what they depend on. */
  over?: string
}

const run = promisify(execFile)

/** Makes the environment when it is absent or out of date. Answers why it cannot be had, undefined when it is there. */
export const makeEnvironment = (wanted: VirtualEnvironment): Promise<string | undefined> =>
  withLock(join(CACHE, 'venv.lock'), () => make(wanted))

async function make({ folder, requirements, holds, interpreter, over }: VirtualEnvironment) {
  // Has the requirements' hash as its content once they are all installed.
  const mark = join(folder, 'requirements.sha256')
  const hash = createHash('sha256')
    .update(await readFile(requirements))
    .update(over ?? '')
    .digest('hex')
  if ((await readFile(mark, 'utf8').catch(() => '')) === hash) return undefined
  const first = over ?? interpreter
  const python = await findInterpreter(first ? [first, ...COMMANDS] : COMMANDS)
  if (!python) return `no Python 3.${MINORS[0]} to 3.${MINORS.at(-1)}`
  console.log(`Installing ${holds} into ${folder}; this takes some minutes, once.`)
  try {
    await rm(folder, { recursive: true, force: true })
    await run(python, ['-m', 'venv', folder])
    if (over) await seePackages(join(folder, 'bin', 'python'), over)
    await install(join(folder, 'bin', 'python'), ['-r', requirements, ...(over ? ['--no-deps'] : [])])
    await writeFile(mark, hash)
    return undefined
  } catch (error) {
    return `${holds} cannot be installed: ${(error as Error).message.slice(-400)}`
  }
}

/** By uv, which takes a third of pip's time; by pip where uv cannot be had or does not reach pip's index. */
async function install(python: string, args: readonly string[]): Promise<void> {
  const pip = ['-m', 'pip', 'install', '--disable-pip-version-check', '--quiet']
  const options = { maxBuffer: 1e8, timeout: 1_200_000 }
  try {
    await run(python, [...pip, UV], options)
    const { PIP_FIND_LINKS, PIP_INDEX_URL } = process.env
    const env = {
      ...process.env,
      ...(PIP_FIND_LINKS && { UV_FIND_LINKS: PIP_FIND_LINKS }),
      ...(PIP_INDEX_URL && { UV_DEFAULT_INDEX: PIP_INDEX_URL }),
    }
    const uv = ['-m', 'uv', 'pip', 'install', '--quiet', '--compile-bytecode', '--python', python]
    await run(python, [...uv, ...args], { ...options, env })
  } catch {
    await run(python, [...pip, '--ignore-installed', ...args], options)
  }
}

/** Python reads the folders that a .pth file among its packages names. */
async function seePackages(python: string, over: string): Promise<void> {
  const [own, others] = await Promise.all([python, over].map(packagesOf))
  await writeFile(join(own as string, 'over.pth'), `${others}\n`)
}

const packagesOf = async (python: string): Promise<string> =>
  (await run(python, ['-c', 'import sysconfig; print(sysconfig.get_path("purelib"))'])).stdout.trim()

async function findInterpreter(commands: readonly string[]): Promise<string | undefined> {
  for (const command of commands) {
    const minor = await run(command, [
      '-c',
      'import sys; print(sys.version_info[0] * 100 + sys.version_info[1])',
    ])
      .then(({ stdout }) => Number(stdout) - 300)
      .catch(() => 0)
    if (MINORS.includes(minor)) return command
  }
  return undefined
}
