// The Python that holds stock MLflow and the driver of PostgreSQL, and the program of FastTrackML.
import { execFile } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const ROOT = join(import.meta.dirname, '..')
const VENV = join(ROOT, '.cache/bench-venv')
const NEEDED = ['mlflow', 'psycopg2-binary']

/**
 * The first of `named`, the tests' environment and the benchmark's own that holds what is needed; the last one is
 * made when it is absent.
 */
export async function findPython(named, log) {
  const candidates = [named, join(ROOT, '.venv/bin/python'), join(VENV, 'bin/python')].filter(Boolean)
  for (const python of candidates) if (existsSync(python) && (await holdsAll(python))) return python
  log(`installing ${NEEDED.join(' and ')} into ${VENV}`)
  await run('python3', ['-m', 'venv', VENV])
  const pins = readFileSync(join(ROOT, 'test/support/requirements.txt'), 'utf8')
    .split('\n')
    .filter((line) => NEEDED.some((name) => line.startsWith(`${name}==`)))
  const python = join(VENV, 'bin/python')
  await run(python, ['-m', 'pip', 'install', '--quiet', ...pins], { maxBuffer: 1e8 })
  return python
}

/** Looks without importing, which takes seconds. */
const holdsAll = (python) =>
  run(python, [
    '-c',
    'import importlib.util, sys; sys.exit(not all(map(importlib.util.find_spec, ("mlflow", "psycopg2"))))',
  ]).then(
    () => true,
    () => false,
  )

/** FastTrackML's program: the named one, one on the PATH, or one beside a Python; undefined when there is none. */
export function findFml(named, python) {
  const folders = [...(process.env.PATH ?? '').split(':'), ...(python ? [dirname(python)] : [])]
  const candidates = named ? [named] : folders.map((folder) => join(folder, 'fml'))
  return candidates.find((program) => existsSync(program))
}
