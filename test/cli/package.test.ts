// The package as npm makes and installs it: no sources, no build, no packages that only development needs.
import { execFile, spawn } from 'node:child_process'
import { lstatSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { useService } from '../support/services.ts'
import { emptyFolder } from './program.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }

/** Two thirds of it are the embedded database, a template of one, and the reader of SQLite. */
const MAX_INSTALLED_BYTES = 110_000_000

const bytesBelow = (folder: string) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).reduce(
    (sum, path) => sum + lstatSync(join(folder, path)).size,
    0,
  )

/** Names of packages whose code is in the bundles, as their source maps tell. */
function bundledPackages(dist: string): string[] {
  const maps = readdirSync(dist).filter((name) => name.endsWith('.map'))
  const sources = maps.flatMap(
    (name) => (JSON.parse(readFileSync(join(dist, name), 'utf8')) as { sources: string[] }).sources,
  )
  const names = sources.flatMap((path) => /.*\/node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? [])
  expect(names.length).toBeGreaterThan(100)
  return [...new Set(names)]
}

/** Names of packages whose licenses the installed package brings. */
function licensesOf(modules: string): Set<string> {
  const text = readFileSync(join(modules, 'crateflow/dist/LICENSES.txt'), 'utf8')
  return new Set([...text.matchAll(/^(\S+) \d+\.\d+\.\d\S* \(.+\)$/gm)].map(([, name]) => name ?? ''))
}

const isAsked = process.env.TEST_CLIENTS === 'all'

describe.skipIf(!isAsked)(`the package${isAsked ? '' : ' (part of npm run test:clients)'}`, () => {
  it('installs a command in an empty folder that tells its version and serves', async () => {
    // What prepack would do, under the lock that other tests mind.
    await useService('build')
    const folder = await emptyFolder()
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder], { cwd: ROOT })
    const [archive = ''] = readdirSync(folder)
    const quietly = ['--no-audit', '--no-fund', '--prefer-offline']
    await run('npm', ['install', '--prefix', folder, ...quietly, join(folder, archive)], { cwd: folder })
    const modules = join(folder, 'node_modules')
    for (const absent of ['typescript', 'vitest', 'rolldown', 'fastify', 'pg', 'zod'])
      expect(readdirSync(modules)).not.toContain(absent)
    expect(bytesBelow(modules)).toBeLessThan(MAX_INSTALLED_BYTES)
    expect(bundledPackages(join(ROOT, 'dist')).filter((name) => !licensesOf(modules).has(name))).toEqual([])

    const told = await run('npx', ['--no-install', 'crateflow', '--version'], { cwd: folder })
    expect(told.stdout.trim()).toBe(version)

    const command = join(folder, 'node_modules/.bin/crateflow')
    const server = spawn(command, ['server', '--port', '0', '--no-ui'], { cwd: folder })
    const ended = new Promise((resolve) => server.once('close', resolve))
    try {
      const url = await new Promise<string>((resolve, reject) => {
        let output = ''
        server.stdout.setEncoding('utf8').on('data', (text: string) => {
          output += text
          const match = /^export MLFLOW_TRACKING_URI=(\S+)\n/m.exec(output)
          if (match?.[1]) resolve(match[1])
        })
        ended.then((code) => reject(new Error(`The server ended with ${code}`)))
      })
      expect(await (await fetch(`${url}/health`)).text()).toBe('OK')
      const found = await fetch(`${url}/api/2.0/mlflow/experiments/get?experiment_id=0`)
      expect(await found.json()).toMatchObject({ experiment: { name: 'Default' } })
      const pages = await (await fetch(`${url}/docs/`)).text()
      for (const [, file] of pages.matchAll(/(?:src|href)="([^"]+)"/g))
        expect((await fetch(new URL(file ?? '', `${url}/docs/`))).status, file).toBe(200)
    } finally {
      server.kill('SIGTERM')
    }
    expect(await ended).toBe(0)
  })
})
