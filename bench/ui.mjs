// Pages of the web UI in a real browser: this server beside stock MLflow on the same runs.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { encodeRequest } from './client.mjs'
import { CONTENDERS, startContender } from './contenders.mjs'
import { openContext } from './context.mjs'
import { emptyStore, fillStore } from './fill.mjs'
import { assertEqual, median } from './measure.mjs'
import { CHARTED, planOf } from './plan.mjs'

const BROWSERS = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome']
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-background-networking',
  '--disable-component-update',
]
/** Visits of a page on each server, in turns, and repetitions of each of its requests. */
const VISITS = 5
const REPEATS = 20
/** Repetitions before that, for compilers that watch. */
const WARM_UP = 10
/** Pages ask for some things when they are filled. */
const LATE_MS = 1000
const FILLED_LIMIT_MS = 180_000
/** High enough for all charts to be seen, which are drawn only then. */
const VIEWPORT = { width: 1400, height: 2000 }

/** Title → path and what is there when a person sees the page filled. */
const PAGES = {
  'table of runs': {
    path: `/experiments/0/runs`,
    isFilled: () => document.querySelectorAll('[row-index] a[href*="/runs/"]').length >= 10,
  },
  [`charts of ${CHARTED} runs with long histories`]: {
    path: `/experiments/0/runs?compareRunsMode=CHART`,
    // Those of the three metrics that all runs have.
    isFilled: () =>
      [...document.querySelectorAll('.js-plotly-plot')].filter(
        (plot) => plot.querySelectorAll('.scatterlayer .trace path.js-line').length >= 10,
      ).length >= 3,
  },
}

/**
 * Fills a store of each contender, visits the pages and repeats what they ask for.
 * @returns title of a page → contender → milliseconds until it is filled, and of the server's answers
 */
export async function measureUi(options, tools) {
  const { names, context } = await openContext(options, { ...tools, withPython: true })
  const flags = ['--ui-dir', await findUi(context.python)]
  const { runs, points } = options
  const plan = planOf({ runs, loggedModels: runs / 10, points })
  const stores = []
  for (const name of names) {
    const server = await startContender(name, context, flags)
    context.defer(server.stop)
    const store = emptyStore(server)
    await fillStore(store, plan, { seconds: options.seedSeconds, log: context.log })
    context.log(`${name} is filled`)
    stores.push(store)
  }
  const executablePath = process.env.CHROMIUM_PATH ?? BROWSERS.find((path) => existsSync(path))
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  context.defer(() => browser.close())
  const report = {}
  console.log('| page | server | filled after (ms) | requests | server time (ms) |\n|---|---|---|---|---|')
  for (const [title, page] of Object.entries(PAGES)) {
    report[title] = await measurePage(browser, stores, page)
    for (const [name, { filledMs, requests, serverMs }] of Object.entries(report[title])) {
      console.log(
        `| ${title} | ${CONTENDERS[name]} | ${filledMs.toFixed(0)} | ${requests} | ${serverMs.toFixed(1)} |`,
      )
    }
  }
  return report
}

async function measurePage(browser, stores, page) {
  const filled = new Map(stores.map(({ name }) => [name, []]))
  let asked = []
  for (let visit = 0; visit < VISITS; visit++) {
    for (const store of stores) {
      const { ms, requests } = await visitPage(browser, store.server, page)
      filled.get(store.name).push(ms)
      if (store === stores[0] && requests.length > asked.length) asked = requests
    }
  }
  const answered = await answeredByAll(stores, asked)
  const times = new Map(stores.map(({ name }) => [name, answered.map(() => [])]))
  for (let repeat = -WARM_UP; repeat < REPEATS; repeat++) {
    for (const [which, { name, server }] of stores.entries()) {
      for (const [i, requests] of answered.entries()) {
        const began = performance.now()
        await server.send(requests[which])
        if (repeat >= 0) times.get(name)[i].push(performance.now() - began)
      }
    }
  }
  const figures = ({ name }) => {
    const ms = times.get(name).map(median)
    return {
      filledMs: median(filled.get(name)),
      requests: answered.length,
      serverMs: ms.reduce((sum, of) => sum + of, 0),
      each: answered.map(([request], i) => [String(request).split(/[ ?]/, 2).join(' '), ms[i]]),
    }
  }
  return Object.fromEntries(stores.map((store) => [store.name, figures(store)]))
}

/** A visit with nothing kept from earlier ones. */
async function visitPage(browser, { port }, { path, isFilled }) {
  const context = await browser.newContext({ viewport: VIEWPORT })
  await context.addInitScript(() => localStorage.setItem('mlflow.workflowType_v1', '"machine_learning"'))
  const requests = []
  const tab = await context.newPage()
  tab.on('request', (request) => {
    const { pathname, search } = new URL(request.url())
    if (!/^\/(ajax-api|graphql)/.test(pathname)) return
    requests.push(encodeRequest(request.method(), pathname + search, request.postData() ?? ''))
  })
  const began = performance.now()
  await tab.goto(`http://127.0.0.1:${port}/#${path}`)
  await tab.waitForFunction(isFilled, undefined, { polling: 20, timeout: FILLED_LIMIT_MS })
  const ms = performance.now() - began
  await tab.waitForTimeout(LATE_MS)
  await context.close()
  return { ms, requests }
}

/**
 * What the first store's pages ask and every server answers, with runs and points as many as the first one's.
 * @returns lists of a request for each store
 */
async function answeredByAll(stores, requests) {
  const answered = []
  for (const request of requests) {
    const all = stores.map((store) => translate(request, stores[0], store))
    const answers = await Promise.all(
      stores.map(({ server }, i) => server.send(all[i]).catch(() => undefined)),
    )
    if (answers.includes(undefined)) continue
    const [first, ...others] = answers.map(sizeOf)
    for (const other of others) assertEqual(String(request).split('\r\n')[0], other, first)
    answered.push(all)
  }
  return answered
}

/** The same request with the ids of another store; all ids of runs have the same length. */
const translate = (request, from, to) =>
  Buffer.from(
    String(request).replace(/[0-9a-f]{32}/g, (id) =>
      from.numbers.has(id) ? to.runIds[from.numbers.get(id)] : id,
    ),
  )

function sizeOf(body) {
  const { runs = [], metrics = [] } = JSON.parse(body)
  return `${runs.length} runs, ${metrics.length} points`
}

/** The files of the UI that stock MLflow brings. */
async function findUi(python) {
  const { stdout } = await promisify(execFile)(python, ['-c', 'import mlflow; print(mlflow.__path__[0])'])
  return join(stdout.trim(), 'server/js/build')
}
