// The package as npm makes and installs it: no sources, no build, no packages that only development needs.
import { execFile, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { useService } from '../support/services.ts'
import { emptyFolder } from './program.ts'

const ROOT = join(import.meta.dirname, '../..')
const run = promisify(execFile)
const { version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { version: string }

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
    for (const absent of ['typescript', 'vitest', 'rolldown'])
      expect(readdirSync(join(folder, 'node_modules'))).not.toContain(absent)

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
    } finally {
      server.kill('SIGTERM')
    }
    expect(await ended).toBe(0)
  })
})
