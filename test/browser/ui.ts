// One browser and its pages for a suite of browser tests, with what every test of a page needs.
/// <reference lib="dom" />
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Locator, type Page, type Request } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect } from 'vitest'
import { useService } from '../support/services.ts'
import { type RequestLog, recordRequests } from './requests.ts'
import type { Seed, UiServer } from './server.ts'

const SCREENSHOTS = join(import.meta.dirname, '../../.cache/screenshots')
/** Only ends what never comes; busy machines are slow. */
const PATIENCE_MS = 30_000
/** How long nothing may be asked for before a page is settled. */
export const QUIET_MS = 400

const FLAGS = [
  ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
  ...['--disable-component-update', '--disable-sync', '--disable-dev-shm-usage'],
  // Pages show links and films of other sites; tests must not depend on them.
  '--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1',
]

/** What the UI keeps of earlier visits: past the dialogs that greet a newcomer, with the menu for training. */
const VISITED: Record<string, string> = {
  'mlflow.workflowType_v1': '"machine_learning"',
  'mlflow.assistant.fab.autoOpenedOnFirstLoad_v1': 'true',
  'mlflow.assistant.panelOpen_v1': 'false',
  _mlflow_model_registry_promo_modal_dismissed_v1: 'true',
  'mlflow.detectIssues.guidanceShown_v1': 'true',
  'mlflow.flagForReview.guidanceShown_v1': 'true',
}

/** Console errors of stock's UI on stock's server that say nothing about the server. */
const NOISE = [
  // The requests are asserted by themselves.
  /^Failed to load resource/,
  /ResizeObserver loop/,
  // Films of the documentation, which the policy of this server keeps out.
  /^Loading media from +'https:\/\/mlflow\.org\/docs\/.* violates the following Content Security Policy/,
]

export interface Ui {
  readonly url: string
  readonly seed: Seed
  readonly context: BrowserContext
  readonly log: RequestLog
  /** A new page at the UI's path, such as `/models`, once it has all that it asked for. */
  open: (path: string) => Promise<Page>
  /** Errors of the console and of scripts since the test began. */
  readonly errors: string[]
  /** Saves what the page shows as .cache/screenshots/<suite>/<name>.png. */
  shot: (page: Page, name: string) => Promise<void>
}

/** A new page at the UI's path, in the menu for GenAI. */
export async function openForAgents(ui: Ui, path: string): Promise<Page> {
  const page = await ui.context.newPage()
  await page.goto(`${ui.url}/health`)
  await page.evaluate(() => localStorage.setItem('mlflow.workflowType_v1', '"genai"'))
  await visit(page, `${ui.url}/#${path}`)
  return page
}

/** A browser on the started server for the surrounding suite. Each test's pages are closed after it. */
export function useUi(folder: string, start: () => Promise<UiServer>): Ui {
  let server: UiServer
  let profile = ''
  let context: BrowserContext
  let log: RequestLog
  let errors: string[] = []
  const shot = async (page: Page, name: string) => {
    await page.screenshot({ path: join(SCREENSHOTS, folder, `${name}.png`) })
  }
  beforeAll(async () => {
    server = await start()
    profile = await mkdtemp(join(tmpdir(), 'crateflow-chromium-'))
    context = await startBrowser(profile, server.url)
    log = recordRequests(context, `${server.url}/`)
    context.on('console', (message) => {
      if (message.type() === 'error') errors.push(message.text())
    })
    context.on('weberror', (error) => errors.push(String(error.error().stack)))
    await mkdir(join(SCREENSHOTS, folder), { recursive: true })
  })
  afterEach(async ({ task }) => {
    const seen = errors.filter((text) => !NOISE.some((noise) => noise.test(text)))
    errors = []
    // The first page stays, since the browser ends with its last one.
    const [first, ...opened] = context?.pages() ?? []
    for (const page of opened) {
      if (task.result?.state === 'fail') await shot(page, `failed ${task.name.replaceAll('/', ' ')}`)
      await page.close()
    }
    if (first) await forget(first)
    expect(seen, 'errors of the console').toEqual([])
  })
  afterAll(async () => {
    await context?.close()
    if (profile) await rm(profile, { recursive: true, force: true })
    await server?.stop()
  })
  return {
    get url() {
      return server.url
    },
    get seed() {
      if (!server.seed) throw new Error('This server has no seeded data')
      return server.seed
    },
    get context() {
      return context
    },
    get log() {
      return log
    },
    get errors() {
      return errors
    },
    async open(path) {
      const page = await context.newPage()
      await visit(page, `${server.url}/#${path}`)
      return page
    },
    shot,
  }
}

/** With a profile on disk the UI's compiled scripts are cached: pages open in half of the time. */
async function startBrowser(profile: string, url: string): Promise<BrowserContext> {
  const { command } = await useService('chromium')
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: command,
    args: FLAGS,
    viewport: { width: 1400, height: 900 },
    locale: 'en-US',
    timezoneId: 'UTC',
  })
  context.setDefaultTimeout(PATIENCE_MS)
  const page = context.pages()[0] ?? (await context.newPage())
  await page.goto(`${url}/health`)
  await forget(page)
  return context
}

/** The next test finds no filters and columns that this one has chosen. */
async function forget(page: Page): Promise<void> {
  await page.evaluate((visited) => {
    localStorage.clear()
    sessionStorage.clear()
    for (const [key, value] of Object.entries(visited)) localStorage.setItem(key, value)
  }, VISITED)
}

/** Opens the address and waits until the page has asked for nothing for a while. */
export async function visit(page: Page, url: string): Promise<void> {
  const quiet = untilQuiet(page)
  await page.goto(url)
  await quiet
}

/** Ends when no request has been under way for a while, counted from the first one, which comes within `firstMs`. */
export function untilQuiet(page: Page, firstMs = PATIENCE_MS): Promise<void> {
  const pending = new Set<unknown>()
  const isApi = (url: string) => !url.includes('.worker.js')
  return new Promise((resolve) => {
    let timer = setTimeout(done, firstMs)
    const wait = () => {
      clearTimeout(timer)
      timer = setTimeout(done, pending.size ? PATIENCE_MS : QUIET_MS)
    }
    const begin = (request: Request) => {
      if (isApi(request.url())) pending.add(request)
      wait()
    }
    const end = (request: Request) => {
      pending.delete(request)
      wait()
    }
    page.on('request', begin).on('requestfinished', end).on('requestfailed', end)
    function done() {
      clearTimeout(timer)
      page.off('request', begin).off('requestfinished', end).off('requestfailed', end)
      resolve()
    }
  })
}

/** Waits until the first of what is found is visible. */
export async function see(locator: Locator): Promise<void> {
  await locator.first().waitFor({ state: 'visible' })
}

/** Polls until the visible texts equal what is wanted. */
export async function seeTexts(locator: Locator, wanted: readonly string[]): Promise<void> {
  await expect.poll(() => locator.allInnerTexts(), { timeout: PATIENCE_MS }).toEqual(wanted)
}

/** What carries the id that the UI gives to a button, a field or a link. */
export const component = (page: Page | Locator, id: string): Locator =>
  page.locator(`[data-component-id="${id}"]`)
