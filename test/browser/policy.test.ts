// The policies that the server sends, as a real browser keeps them; the UI lies below a static prefix here.
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { engineTarget } from '../support/engines.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { missing, useService } from '../support/services.ts'
import { uiFolder } from '../support/ui.ts'

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
]
const PREFIX = '/mlflow'
const API = '/api/2.0/mlflow'
const reason = missing('chromium') || missing('ui')

/** Tries what would harm and writes down what came of it; inline and evaluated, as plotting libraries write pages. */
const hostile = (url: string) => `<body><p id="out">no script</p><script>
  const outcome = {}
  const attempt = (name, work) => { try { outcome[name] = String(work()) } catch (error) { outcome[name] = error.name } }
  attempt('evaluated', () => new Function('return 6 * 7')())
  attempt('origin', () => self.origin)
  attempt('cookie', () => document.cookie)
  attempt('storage', () => localStorage.length)
  attempt('page', () => parent.document.title)
  const body = JSON.stringify({ name: 'by the artifact' })
  const show = (answer) => { outcome.api = answer; document.getElementById('out').textContent = JSON.stringify(outcome) }
  fetch('${url}/ajax-api/2.0/mlflow/experiments/create', { method: 'POST', body })
    .then((answer) => show('answered ' + answer.status), () => show('refused'))
</script></body>`

describe.skipIf(reason)(`a browser that shows the web UI${reason && ` (${reason})`}`, () => {
  const target = engineTarget('PGlite')
  let server: TestServer
  let browser: Browser
  let context: BrowserContext
  let runPath = ''
  let violations: string[] = []

  beforeAll(async () => {
    server = await startServer({
      backendStoreUri: target.uri,
      args: ['--ui', '--ui-dir', await uiFolder(), '--static-prefix', PREFIX],
    })
    const { command } = await useService('chromium')
    browser = await chromium.launch({ executablePath: command, args: FLAGS })
    context = await browser.newContext()
    await context.addCookies([{ name: 'secret', value: 'of-the-ui', url: server.url }])
    context.on('console', (message) => {
      if (/Content Security Policy|violates/.test(message.text())) violations.push(message.text())
    })
    runPath = await makeRun(server, { 'page.html': hostile(server.url), 'note.md': '# hello' })
  })
  afterEach(async () => {
    for (const page of context.pages()) await page.close()
    violations = []
  })
  afterAll(async () => {
    await browser?.close()
    await server?.stop()
  })

  const open = async (path: string): Promise<Page> => {
    const page = await context.newPage()
    page.setDefaultTimeout(60_000)
    await page.goto(`${server.url}${path}`)
    return page
  }

  it('finds all of it below the prefix, from the address without the slash on', async () => {
    const page = await open('')
    await page.getByText('Experiments', { exact: true }).first().waitFor()
    expect(page.url()).toContain(`${PREFIX}/`)
    const run = await open(`/#${runPath}`)
    await run.getByText('learning_rate').first().waitFor()
    await run.goto(`${server.url}/#${runPath}/artifacts/note.md`)
    await run.getByText('hello').first().waitFor()
    expect(violations).toEqual([])
  })

  it('lets an HTML artifact draw itself, and reach neither the UI nor the API', async () => {
    const page = await open(`/#${runPath}/artifacts/page.html`)
    const out = page.frameLocator('iframe').locator('#out')
    await expect.poll(() => out.textContent(), { timeout: 60_000 }).toContain('api')
    expect(JSON.parse((await out.textContent()) ?? '')).toEqual({
      evaluated: '42',
      origin: 'null',
      cookie: 'SecurityError',
      storage: 'SecurityError',
      page: 'SecurityError',
      api: 'refused',
    })
    const found = await server.request(
      'GET',
      `${API}/experiments/get-by-name?experiment_name=by+the+artifact`,
    )
    expect(found.status).toBe(404)
    expect(violations).toEqual([])
  })

  it('runs no handler of markup that got into a page', async () => {
    const page = await open('/')
    await page.getByText('Experiments', { exact: true }).first().waitFor()
    await page.evaluate(
      `document.body.insertAdjacentHTML('beforeend', '<img src="data:," onerror="window.ran = 1">')`,
    )
    await expect.poll(() => violations.length, { timeout: 30_000 }).toBe(1)
    expect(await page.evaluate('window.ran')).toBeUndefined()
  })

  it('calls no other server from a page', async () => {
    const page = await open('/')
    const answer = await page.evaluate(
      `fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => error.name)`,
    )
    expect(answer).toBe('TypeError')
    expect(violations.join()).toContain("connect-src 'self'")
  })

  it('shows no page of it in a frame of another site', async () => {
    const page = await context.newPage()
    await page.goto('about:blank')
    await page.setContent(`<iframe src="${server.url}/"></iframe>`)
    await expect.poll(() => page.frames()[1]?.url(), { timeout: 30_000 }).toMatch(/^chrome-error:/)
  })
})

interface Created {
  experiment_id?: string
  run?: { info: { run_id: string } }
}

/** A run with a param and these artifacts; its path in the UI. */
async function makeRun(server: TestServer, files: Record<string, string>): Promise<string> {
  const post = async (path: string, body: object) =>
    (await server.request('POST', `${API}${path}`, body)).body as Created
  const { experiment_id } = await post('/experiments/create', { name: 'policies' })
  const { run } = await post('/runs/create', { experiment_id })
  const run_id = run?.info.run_id
  await post('/runs/log-parameter', { run_id, key: 'learning_rate', value: '0.1' })
  for (const [name, raw] of Object.entries(files)) {
    const path = `/api/2.0/mlflow-artifacts/artifacts/${experiment_id}/${run_id}/artifacts/${name}`
    await server.request('PUT', path, { raw })
  }
  return `/experiments/${experiment_id}/runs/${run_id}`
}
