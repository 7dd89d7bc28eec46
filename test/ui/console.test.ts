// The files of the console: where its page is found, what it may load, what browsers keep, and how large it is.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ShellOptions } from '../../src/platform/http/shell.ts'
import { type ConsoleFolder, openConsole } from '../../src/web/console/folder.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { engineTarget } from '../support/engines.ts'
import { useService } from '../support/services.ts'

const PREFIX = '/team/mlflow'
const MOST_BYTES = 250_000
const SHELL: ShellOptions = {
  staticPrefix: PREFIX,
  security: { allowedHosts: [], allowedOrigins: [], xFrameOptions: 'SAMEORIGIN' },
  metrics: false,
  documentation: true,
}

describe('the console', () => {
  const target = engineTarget('PGlite')
  let app: TestApp
  let folder: ConsoleFolder
  beforeAll(async () => {
    await useService('build')
    const found = openConsole()
    if (!found) throw new Error('The build has no console')
    folder = found
    app = await startApp(target, { console: folder, shell: SHELL })
  })
  afterAll(() => app.close())

  const get = (path: string, headers: Record<string, string> = {}) =>
    app.app.inject({ method: 'GET', url: `${PREFIX}${path}`, headers: { host: 'localhost', ...headers } })
  const script = () => [...folder.files].find((path) => path.endsWith('.js')) ?? ''

  it.each([
    '/crateflow',
    '/crateflow?target=doc.events',
    '/crateflow/',
    '/crateflow/lifecycle',
    '/crateflow/lifecycle/policies/new',
    '/crateflow/lifecycle/policies/',
    '/crateflow/not/there/at/all',
  ])('is one page at %s, which finds its files there', async (path) => {
    const answer = await get(path)
    expect(answer.statusCode).toBe(200)
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
    })
    const [, base = ''] = /<base href="([^"]*)">/.exec(answer.body) ?? []
    const page = new URL(`http://localhost${PREFIX}${path}`)
    // A proxy that takes a path away changes nothing.
    const proxied = new URL(`http://proxy/elsewhere${path}`)
    expect(new URL(base, page).pathname).toBe(`${PREFIX}/crateflow/`)
    expect(new URL(base, proxied).pathname).toBe('/elsewhere/crateflow/')
    for (const [, address = ''] of answer.body.matchAll(/(?:src|href)="(\.\/[^"]+)"/g)) {
      const { pathname } = new URL(address, new URL(base, page))
      expect((await get(pathname.slice(PREFIX.length))).statusCode, address).toBe(200)
    }
  })

  it('lets its page load from this server alone, and nothing that stands in it', async () => {
    const policy = String((await get('/crateflow/lifecycle')).headers['content-security-policy'])
    expect(policy).not.toMatch(/unsafe|https?:|\*/)
    expect(policy).toContain("default-src 'none'; script-src 'self'; style-src 'self'")
    expect(policy).toContain("frame-ancestors 'self'")
    expect(folder.page).not.toMatch(/<style|<script(?![^>]* src=)|style="|https?:/)
  })

  it('lets browsers keep its files for good, each as the browser takes it', async () => {
    const path = `/crateflow/${script()}`
    const plain = await get(path)
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    expect(plain.headers['content-type']).toMatch(/javascript/)
    for (const [encoding, decode] of [
      ['br', brotliDecompressSync],
      ['gzip', gunzipSync],
    ] as const) {
      const answer = await get(path, { 'accept-encoding': encoding })
      expect(answer.headers).toMatchObject({ 'content-encoding': encoding })
      expect(answer.headers.vary).toContain('accept-encoding')
      expect(decode(answer.rawPayload)).toEqual(plain.rawPayload)
    }
  })

  it.each([
    'assets/none.js',
    'index.html',
    'assets/../../main.js',
    'assets/%2e%2e/%2e%2e/main.js',
    'x.map',
    '.built',
  ])('has no file %s', async (path) => {
    const answer = await get(`/crateflow/${path}`)
    expect(answer.statusCode).toBe(404)
  })

  it('is not there without its files, and on no path beside its own', async () => {
    expect((await get('/crateflows')).statusCode).toBe(404)
    expect((await app.app.inject({ url: '/crateflow', headers: { host: 'localhost' } })).statusCode).toBe(404)
  })

  it('links to the web UI where there is one', async () => {
    expect((await get('/crateflow')).body).not.toContain('data-ui')
  })

  it(`is smaller than ${MOST_BYTES / 1000} kB compressed, as gzip has it`, () => {
    const files = readdirSync(folder.path, { recursive: true, encoding: 'utf8' })
      .map((path) => join(folder.path, path))
      .filter((path) => statSync(path).isFile() && !/\.(br|gz)$/.test(path))
    const sizes = files.map((path) => statSync(gzipOf(path)).size)
    expect(sizes.reduce((sum, size) => sum + size, 0)).toBeLessThan(MOST_BYTES)
    // React as it is for production, whoever has built it.
    expect(readFileSync(join(folder.path, script()), 'utf8')).not.toContain('Download the React DevTools')
    expect(readFileSync(join(folder.path, '../LICENSES.txt'), 'utf8')).toMatch(/^react-dom \d/m)
  })
})

const gzipOf = (path: string) => (statSync(`${path}.gz`, { throwIfNoEntry: false }) ? `${path}.gz` : path)
