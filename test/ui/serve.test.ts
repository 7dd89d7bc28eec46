import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import type { LightMyRequestResponse } from 'fastify'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { MLFLOW_VERSION } from '../../src/platform/http/health.ts'
import type { ShellOptions } from '../../src/platform/http/shell.ts'
import { compressFiles } from '../../src/web/ui/compress.ts'
import { MANIFEST, openUiFolder } from '../../src/web/ui/folder.ts'
import { awaitedUi, fixedUi, type UiSource } from '../../src/web/ui/source.ts'
import { send } from '../api/platform/http/shell-app.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { engineTarget } from '../support/engines.ts'
import { missing, useService } from '../support/services.ts'
import { uiFolder } from '../support/ui.ts'
import { emptyFolder, writeFiles } from './folders.ts'

const FOREVER = 'public, max-age=31536000, immutable'
const SHELL: ShellOptions = {
  staticPrefix: '',
  security: { allowedHosts: [], allowedOrigins: [], xFrameOptions: 'SAMEORIGIN' },
  metrics: false,
  documentation: true,
}

const target = engineTarget('PGlite')
const running: TestApp[] = []

async function start(ui: UiSource | undefined, shell: Partial<ShellOptions> = {}) {
  const app = await startApp(target, { ui, shell: { ...SHELL, ...shell } })
  running.push(app)
  return async (
    path: string,
    headers: Record<string, string> = {},
    method: 'GET' | 'HEAD' | 'POST' = 'GET',
  ) => app.app.inject({ method, url: path, headers: { host: 'localhost', ...headers } })
}
const closeAll = async () => {
  for (const app of running.splice(0)) await app.close()
}

const SCRIPT = `console.log(${JSON.stringify('x'.repeat(5000))})`
const FILES = {
  'index.html': '<script src="static-files/static/js/main.0123abcd.js"></script>',
  'favicon.ico': 'icon',
  'static/js/main.0123abcd.js': SCRIPT,
  'lib/notebook-trace-renderer/index.html': '<p>traces</p>',
}

const STRANGE_PATHS = [
  '/static-files/nope.js',
  '/static-files/',
  '/static-files',
  '/static-files/static',
  '/static-files/static/',
  '/static-files/static/js/main.0123abcd.js.br',
  '/static-files/.secret',
  '/static-files/.hidden/file.js',
  '/static-files/link.js',
  '/static-files/linked/secret.txt',
  '/static-files/../secret.txt',
  '/static-files/%2e%2e/secret.txt',
  '/static-files/%2e%2e%2fsecret.txt',
  '/static-files/..%2fsecret.txt',
  '/static-files/static/../../secret.txt',
  '/static-files//favicon.ico',
  '/static-files/./favicon.ico',
  '/static-files/%00',
  '/index.html',
  '/favicon.ico',
]

async function smallUi(): Promise<UiSource> {
  const folder = await emptyFolder()
  await writeFiles(folder, FILES)
  await compressFiles(folder, Object.keys(FILES))
  return fixedUi(await openUiFolder(folder, MLFLOW_VERSION))
}

const policyOf = (answer: LightMyRequestResponse) => String(answer.headers['content-security-policy'])

describe('the web UI', () => {
  afterEach(closeAll)

  it('is served at the root, and looked at anew each time', async () => {
    const get = await start(await smallUi())
    const page = await get('/')
    expect(page.statusCode).toBe(200)
    expect(page.body).toBe(FILES['index.html'])
    expect(page.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'SAMEORIGIN',
    })
    const again = await get('/', { 'if-none-match': String(page.headers.etag) })
    expect(again.statusCode).toBe(304)
    expect(again.body).toBe('')
  })

  it('lets browsers keep files whose names change with their content, and ask again for others', async () => {
    const get = await start(await smallUi())
    expect((await get('/static-files/static/js/main.0123abcd.js')).headers['cache-control']).toBe(FOREVER)
    const icon = await get('/static-files/favicon.ico')
    expect(icon.headers['cache-control']).toBe('no-cache')
    expect(
      (await get('/static-files/favicon.ico', { 'if-none-match': String(icon.headers.etag) })).statusCode,
    ).toBe(304)
  })

  it.each([
    ['br', 'br', brotliDecompressSync],
    ['gzip, deflate, br', 'br', brotliDecompressSync],
    ['gzip', 'gzip', gunzipSync],
    ['br;q=0, gzip', 'gzip', gunzipSync],
  ])('sends files compressed to those that accept %s', async (accepted, encoding, decompress) => {
    const get = await start(await smallUi())
    const answer = await get('/static-files/static/js/main.0123abcd.js', { 'accept-encoding': accepted })
    expect(answer.headers['content-encoding']).toBe(encoding)
    expect(answer.headers['content-type']).toMatch(/^(application|text)\/javascript; charset=utf-8$/)
    expect(answer.headers.vary).toBe('Origin, accept-encoding')
    expect(answer.rawPayload.length).toBeLessThan(1000)
    expect(decompress(answer.rawPayload).toString()).toBe(SCRIPT)
  })

  it.each(['', 'identity', 'deflate'])(
    'sends files as they are to those that accept %j',
    async (accepted) => {
      const get = await start(await smallUi())
      const headers: Record<string, string> = accepted ? { 'accept-encoding': accepted } : {}
      const answer = await get('/static-files/static/js/main.0123abcd.js', headers)
      expect(answer.headers['content-encoding']).toBeUndefined()
      expect(answer.headers.vary).toBe('Origin, accept-encoding')
      expect(answer.body).toBe(SCRIPT)
    },
  )

  it('answers HEAD without a body, and parts of a file', async () => {
    const get = await start(await smallUi())
    const head = await get('/static-files/static/js/main.0123abcd.js', {}, 'HEAD')
    expect(head.statusCode).toBe(200)
    expect(head.headers['content-length']).toBe(String(SCRIPT.length))
    expect(head.body).toBe('')
    expect((await get('/', {}, 'HEAD')).statusCode).toBe(200)
    const part = await get('/static-files/static/js/main.0123abcd.js', { range: 'bytes=0-6' })
    expect(part.statusCode).toBe(206)
    expect(part.body).toBe('console')
  })

  it('answers 404 to whatever is not one of its files', async () => {
    const parent = await emptyFolder()
    const folder = join(parent, 'ui')
    await writeFiles(parent, { 'secret.txt': 'secret', 'outside/secret.txt': 'secret' })
    await writeFiles(folder, { ...FILES, '.secret': 'secret', '.hidden/file.js': 'secret' })
    await compressFiles(folder, Object.keys(FILES))
    await symlink(join(parent, 'secret.txt'), join(folder, 'link.js'))
    await symlink(join(parent, 'outside'), join(folder, 'linked'))
    await start(fixedUi(await openUiFolder(folder, MLFLOW_VERSION)))
    const url = await running[0]?.app.listen({ host: '127.0.0.1', port: 0 })
    // Sent as they are: `inject` would resolve the dots.
    const get = (path: string) => send(url ?? '', 'GET', path, { host: 'localhost' })
    expect((await get('/static-files/favicon.ico')).body).toBe('icon')
    for (const path of STRANGE_PATHS) {
      const { status, body } = await get(path)
      expect([path, status, JSON.parse(body).error_code]).toEqual([path, 404, 'ENDPOINT_NOT_FOUND'])
    }
  })

  it('is not there without one', async () => {
    const get = await start(undefined)
    expect((await get('/')).statusCode).toBe(404)
    expect((await get('/static-files/favicon.ico')).statusCode).toBe(404)
  })

  it('is found behind a static prefix, with the slash that its addresses need', async () => {
    const get = await start(await smallUi(), { staticPrefix: '/team/mlflow' })
    const bare = await get('/team/mlflow?o=1')
    expect(bare.statusCode).toBe(308)
    expect(bare.headers.location).toBe('/team/mlflow/?o=1')
    expect((await get('/team/mlflow/')).body).toBe(FILES['index.html'])
    expect((await get('/team/mlflow/static-files/favicon.ico')).body).toBe('icon')
    expect((await get('/')).statusCode).toBe(404)
    expect((await get('/static-files/favicon.ico')).statusCode).toBe(404)
  })
})

describe('the policy of the web UI', () => {
  afterEach(closeAll)

  it('lets its pages call this server alone, and run no handlers in attributes', async () => {
    const get = await start(await smallUi())
    for (const path of ['/', '/static-files/static/js/main.0123abcd.js']) {
      const policy = policyOf(await get(path))
      expect(policy).toContain("connect-src 'self' data: blob:;")
      expect(policy).toContain("script-src-attr 'none';")
      expect(policy).toContain("object-src 'none';")
      expect(policy).toContain("base-uri 'self';")
    }
    expect((await get('/docs/static/index.html')).headers['content-security-policy']).not.toBe(
      policyOf(await get('/')),
    )
    expect((await get('/health')).headers['content-security-policy']).toBeUndefined()
  })

  it.each([
    ['SAMEORIGIN', "frame-ancestors 'self'"],
    ['deny', "frame-ancestors 'none'"],
    ['NONE', undefined],
  ])('lets others frame it as X-Frame-Options %s says', async (xFrameOptions, ancestors) => {
    const security = { allowedHosts: [], allowedOrigins: [], xFrameOptions }
    const get = await start(await smallUi(), { security })
    expect(/frame-ancestors [^;]*/.exec(policyOf(await get('/')))?.[0]).toBe(ancestors)
  })

  it('lets notebooks everywhere frame the page for traces', async () => {
    const get = await start(await smallUi())
    const answer = await get('/static-files/lib/notebook-trace-renderer/index.html')
    expect(answer.body).toBe('<p>traces</p>')
    expect(answer.headers['x-frame-options']).toBeUndefined()
    expect(policyOf(answer)).not.toContain('frame-ancestors')
  })
})

describe('a web UI that comes later', () => {
  afterEach(closeAll)

  it('has a page that looks again by itself, then the UI in its place', async () => {
    const folder = await emptyFolder()
    const get = await start(awaitedUi(folder, MLFLOW_VERSION, () => undefined))
    const waiting = await get('/')
    expect(waiting.statusCode).toBe(200)
    expect(waiting.headers['cache-control']).toBe('no-store')
    expect(waiting.body).toContain('<meta http-equiv="refresh"')
    expect(waiting.body).toContain('is being fetched')
    expect(waiting.body).not.toMatch(/<(script|link|img)/)
    expect((await get('/static-files/favicon.ico')).statusCode).toBe(404)
    const manifest = {
      version: MLFLOW_VERSION,
      wheel_sha256: '0'.repeat(64),
      files: Object.keys(FILES).length,
    }
    await writeFiles(folder, { ...FILES, [MANIFEST]: JSON.stringify(manifest) })
    expect((await get('/')).body).toBe(FILES['index.html'])
    expect((await get('/static-files/favicon.ico')).body).toBe('icon')
  })

  it('has a page that tells how to get it when it does not come', async () => {
    const folder = await emptyFolder()
    const get = await start(awaitedUi(folder, MLFLOW_VERSION, () => 'No <pip> here.'))
    const page = await get('/')
    expect(page.statusCode).toBe(200)
    expect(page.body).toContain('No &#60;pip&#62; here.')
    expect(page.body).toMatch(/Run &#34;(crateflow|node \S+) ui install&#34;/)
    expect(page.body).toContain('--ui-dir &#60;folder&#62;')
    expect(page.body).toContain('<a href="crateflow">Console')
    expect(page.body).not.toContain('http-equiv')
    expect((await get('/health')).body).toBe('OK')
  })

  it('is not taken while its manifest says that files are missing', async () => {
    const folder = await emptyFolder()
    const manifest = { version: MLFLOW_VERSION, wheel_sha256: '0'.repeat(64), files: 99 }
    await writeFiles(folder, { ...FILES, [MANIFEST]: JSON.stringify(manifest) })
    const get = await start(awaitedUi(folder, MLFLOW_VERSION, () => undefined))
    expect((await get('/')).body).toContain('is being fetched')
  })
})

describe.skipIf(missing('ui'))('the stock web UI', () => {
  let get: Awaited<ReturnType<typeof start>>
  let files: ReadonlySet<string>
  beforeAll(async () => {
    const folder = await openUiFolder(await uiFolder(), MLFLOW_VERSION)
    files = folder.files
    get = await start(fixedUi(folder))
  })
  afterAll(closeAll)

  it('is whole: every file that its pages and its own list name is served', async () => {
    const manifest = (await get('/static-files/asset-manifest.json')).json()
    const named = Object.values<string>(manifest.files)
    expect(named.length).toBeGreaterThan(200)
    const page = (await get('/')).body
    for (const [, path] of page.matchAll(/(?:src|href)="(?:\.\/)?(static-files\/[^"]+)"/g))
      named.push(`/${path}`)
    for (const path of named.filter((name) => name !== './index.html' && !name.endsWith('/index.html'))) {
      const answer = await get(path, { 'accept-encoding': 'br' }, 'HEAD')
      expect([path, answer.statusCode]).toEqual([path, 200])
    }
    expect(files.size).toBeGreaterThan(400)
  })

  it('is sent in a quarter of its size', async () => {
    let [plain, compressed] = [0, 0]
    for (const path of files) {
      const size = async (headers: Record<string, string>) =>
        Number((await get(`/static-files/${path}`, headers, 'HEAD')).headers['content-length'])
      plain += await size({})
      compressed += await size({ 'accept-encoding': 'gzip, br' })
    }
    expect(plain).toBeGreaterThan(25_000_000)
    expect(compressed).toBeLessThan(plain / 3)
  })

  it.skipIf(missing('stock'))('is byte for byte what a stock server sends', async () => {
    const { url } = await useService('stock')
    for (const path of files) {
      if (path === 'LICENSE.txt') continue
      const stock = await fetch(`${url}/static-files/${path}`)
      expect([path, stock.status]).toEqual([path, 200])
      const ours = await get(`/static-files/${path}`)
      expect(ours.rawPayload.equals(Buffer.from(await stock.arrayBuffer())), path).toBe(true)
    }
    expect((await get('/')).body).toBe(await (await fetch(`${url}/`)).text())
  })
})
