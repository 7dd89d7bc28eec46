import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { SMALL } from '../support/server.ts'
import { missing } from '../support/services.ts'
import { uiFolder } from '../support/ui.ts'
import { fakePython } from '../ui/wheel.ts'
import { emptyFolder, runProgram, runServer } from './program.ts'

const NO_PIP = { CRATEFLOW_UI: 'true', CRATEFLOW_PYTHON: '/nonexistent/python' }
const PATIENCE = { timeout: 90_000, interval: 200 }

const page = async (url: string) => (await fetch(`${url}/`)).text()
const isUi = (html: string) => html.includes('<title>MLflow</title>')

/** A UI that is no more than its page. */
async function tinyUi(): Promise<string> {
  const folder = join(await emptyFolder(), 'ui')
  await mkdir(folder)
  await writeFile(join(folder, 'index.html'), '<p>tiny</p>')
  return folder
}

describe.skipIf(missing('ui'))('the web UI of a server that starts for the first time', () => {
  it('is fetched while the API works, replaces the page that waits, and is there at the next start', async () => {
    const cwd = await emptyFolder()
    const env = { CRATEFLOW_UI: 'true', XDG_CACHE_HOME: join(cwd, 'cache') }
    const first = await runServer([], { cwd, env })
    expect(await page(first.url)).toContain('The web UI is being fetched')
    const created = await first.request('POST', '/api/2.0/mlflow/experiments/create', { name: 'meanwhile' })
    expect(created.status).toBe(200)
    await expect.poll(async () => isUi(await page(first.url)), PATIENCE).toBe(true)
    await expect
      .poll(() => first.output.stderr)
      .toMatch(/Web UI: ready after \d+ s, in .*cache.crateflow.ui.3\.17\.2/)
    expect(first.output.stderr).toContain('Web UI: fetching the wheel of MLflow 3.17.2 with pip')
    first.signal('SIGTERM')
    expect((await first.ended).code).toBe(0)

    const second = await runServer([], { cwd, env: { ...env, CRATEFLOW_PYTHON: '/nonexistent/python' } })
    expect(isUi(await page(second.url))).toBe(true)
    expect(second.output.stderr).not.toContain('Web UI:')
  })

  it('can be installed before by the command, which says where it is', async () => {
    const cwd = await emptyFolder()
    const folder = join(cwd, 'elsewhere')
    const installed = await runProgram(['ui', 'install', '--ui-dir', folder], { cwd })
    expect(installed).toMatchObject({ code: 0, stderr: '' })
    expect(installed.stdout.split('\n').slice(2)).toEqual([
      `The web UI of MLflow 3.17.2 is in ${folder}`,
      expect.stringMatching(/^Serve it with: node \S+main\.[jt]s server --ui-dir /),
      '',
    ])
    const again = await runProgram(['ui', 'install'], { cwd, env: { CRATEFLOW_UI_DIR: folder, PATH: '' } })
    expect(again.stdout).toContain(`The web UI of MLflow 3.17.2 is already in ${folder}`)
    const server = await runServer([], { cwd, env: { CRATEFLOW_UI: 'true', CRATEFLOW_UI_DIR: folder } })
    expect(isUi(await page(server.url))).toBe(true)
  })

  it('is shown below a static prefix', async () => {
    const folder = await uiFolder()
    const args = ['--static-prefix', '/mlflow', '--ui-dir', folder]
    const server = await runServer(args, { env: { CRATEFLOW_UI: 'true' } })
    const answer = await fetch(server.url)
    expect(answer.url).toBe(`${server.url}/`)
    const html = await answer.text()
    const [, script = ''] = /<script [^>]*src="([^"]+)"/.exec(html) ?? []
    expect((await fetch(new URL(script, answer.url))).status).toBe(200)
  })
})

describe('a server that cannot fetch the web UI', () => {
  it('serves the API, and says once in its log and on its page how to get the UI', async () => {
    const cwd = await emptyFolder()
    const server = await runServer([], { cwd, env: { ...NO_PIP, XDG_CACHE_HOME: join(cwd, 'cache') } })
    await expect.poll(() => page(server.url)).toContain('The web UI is not installed')
    expect(await page(server.url)).toContain('/nonexistent/python has no pip')
    expect(await page(server.url)).toMatch(/Run &#34;node \S+main\.[jt]s ui install&#34;/)
    const found = await server.request('GET', '/api/2.0/mlflow/experiments/get?experiment_id=0')
    expect(found.status).toBe(200)
    expect(server.output.stderr.match(/ ui install\\?"/g)).toHaveLength(1)
    expect(await readdir(join(cwd, 'cache/crateflow/ui'))).toEqual([])
  })

  it('tells when pip does not reach its index', async () => {
    const cwd = await emptyFolder()
    const unreachable = {
      PIP_INDEX_URL: 'http://127.0.0.1:1/simple',
      PIP_RETRIES: '0',
      PIP_NO_INDEX: '',
      PIP_FIND_LINKS: '',
    }
    const env = { ...unreachable, XDG_CACHE_HOME: join(cwd, 'cache') }
    const { code, stderr } = await runProgram(['ui', 'install'], { cwd, env })
    expect(stderr).toMatch(
      /^crateflow: (pip does not reach its package index|pip finds no MLflow at all|There is no Python with pip)/,
    )
    expect(code).toBe(1)
  })

  it('takes nothing that a killed installation has left', async () => {
    const cwd = await emptyFolder()
    const cache = { XDG_CACHE_HOME: join(cwd, 'cache') }
    const python = await fakePython(cwd, 'echo half > "$1/mlflow.whl"; kill -9 $PPID')
    const killed = await runProgram(['ui', 'install'], { cwd, env: { ...cache, CRATEFLOW_PYTHON: python } })
    expect(killed.code).toBeUndefined()
    const left = await readdir(join(cwd, 'cache/crateflow/ui'))
    expect(left).toEqual([expect.stringMatching(/^3\.17\.2\.tmp-/)])
    const server = await runServer([], { cwd, env: { ...NO_PIP, ...cache } })
    await expect.poll(() => page(server.url)).toContain('The web UI is not installed')
  })

  it('stops at once, and leaves nothing behind', async () => {
    const cwd = await emptyFolder()
    const python = await fakePython(cwd, 'exec sleep 300')
    const env = { CRATEFLOW_UI: 'true', CRATEFLOW_PYTHON: python, XDG_CACHE_HOME: join(cwd, 'cache') }
    const server = await runServer([], { cwd, env })
    await expect.poll(() => server.output.stderr).toContain('Web UI: fetching the wheel')
    server.signal('SIGTERM')
    expect((await server.ended).code).toBe(0)
    expect(await readdir(join(cwd, 'cache/crateflow/ui'))).toEqual([])
    expect(server.output.stderr).not.toContain('ui install')
  })
})

describeEachEngine(
  'workers',
  (engine) => {
    const start = async (env: Record<string, string>) =>
      runServer(['--workers', '2', '--backend-store-uri', engine.uri], { env: { ...SMALL, ...env } })

    it('all tell why there is no web UI, which one process tried to fetch, and show it once it is installed', async () => {
      const cache = join(await emptyFolder(), 'cache')
      const server = await start({ ...NO_PIP, XDG_CACHE_HOME: cache })
      const pages = async () =>
        new Set(
          await Promise.all(Array.from({ length: 8 }, async () => (await page(server.url)).slice(0, 400))),
        )
      await expect.poll(pages).toEqual(new Set([expect.stringContaining('The web UI is not installed')]))
      expect(server.output.stderr.match(/Web UI: .*has no pip/g)).toHaveLength(1)
      const folder = join(cache, 'crateflow/ui/3.17.2')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'index.html'), '<p>tiny</p>')
      const manifest = { version: '3.17.2', wheel_sha256: '0'.repeat(64), files: 1 }
      await writeFile(join(folder, '.crateflow-ui.json'), JSON.stringify(manifest))
      expect(await pages()).toEqual(new Set(['<p>tiny</p>']))
    })
  },
  ['CrateDB'],
  ['PostgreSQL'],
)

describe('the settings of the web UI', () => {
  it('serve a folder', async () => {
    const server = await runServer(['--ui-dir', await tinyUi()], { env: { CRATEFLOW_UI: 'true' } })
    expect(await page(server.url)).toBe('<p>tiny</p>')
    expect(server.output.stderr).not.toContain('Web UI:')
  })

  it.each([
    ['--no-ui', { CRATEFLOW_UI: 'true' }],
    ['--artifacts-only', { CRATEFLOW_UI: 'true' }],
    ['--serve-artifacts', { CRATEFLOW_UI: 'false' }],
  ])('serve none, and fetch none, with %s and %j', async (flag, env) => {
    const cwd = await emptyFolder()
    const cache = join(cwd, 'cache')
    const server = await runServer([flag], { cwd, env: { ...env, XDG_CACHE_HOME: cache } })
    expect((await server.request('GET', '/')).status).toBe(404)
    expect((await server.request('GET', '/static-files/favicon.ico')).status).toBe(404)
    expect(await readdir(cwd)).not.toContain('cache')
  })

  it.each<[string, (folder: string) => Promise<void>, string]>([
    ['is absent', async () => {}, 'There is no folder'],
    ['holds no UI', (folder) => mkdir(folder).then(() => {}), 'holds no web UI: it has no index.html.'],
    [
      'holds the UI of another server',
      async (folder) => {
        await mkdir(folder)
        await writeFile(join(folder, 'index.html'), '')
        const manifest = { version: '3.1.0', wheel_sha256: '', files: 1 }
        await writeFile(join(folder, '.crateflow-ui.json'), JSON.stringify(manifest))
      },
      'does not work with this server, which speaks MLflow 3.17.2',
    ],
    [
      'is not complete',
      async (folder) => {
        await mkdir(folder)
        await writeFile(join(folder, 'index.html'), '')
        const manifest = { version: '3.17.2', wheel_sha256: '', files: 2 }
        await writeFile(join(folder, '.crateflow-ui.json'), JSON.stringify(manifest))
      },
      'is not complete',
    ],
  ])('refuse a folder that %s', async (_what, make, text) => {
    const cwd = await emptyFolder()
    await make(join(cwd, 'ui'))
    const args = ['server', '--port', '0', '--ui-dir', 'ui']
    const { code, stderr } = await runProgram(args, { cwd, env: { CRATEFLOW_UI: 'true' } })
    expect(stderr).toMatch(/^crateflow: --ui-dir: /m)
    expect(stderr).toContain(text)
    expect(code).toBe(2)
  })

  it('refuse to install a version that the server does not speak', async () => {
    const { code, stderr } = await runProgram(['ui', 'install', '--version', '2.22.0'])
    expect(stderr).toContain('which speaks MLflow 3.17.2. Take one of 3.17.x.')
    expect(code).toBe(2)
  })
})
