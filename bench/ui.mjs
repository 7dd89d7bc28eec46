// Pages of the web UI in a real browser: this server beside stock MLflow on the same runs.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { chromium } from 'playwright-core'
import { encodeRequest } from './client.mjs'
import { CONTENDERS } from './contenders.mjs'
import { assertEqual, median } from './measure.mjs'
import { startSeededOurs, startSeededStock } from './sql-seed.mjs'
import { CHARTED, EXPERIMENT, ourRows, stockRows } from './ui-seed.mjs'

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

/** Title → path and what is there when a person sees the page filled. */
const PAGES = {
  'runs table, 10,000 runs': {
    path: `/experiments/${EXPERIMENT}/runs`,
    isFilled: () => document.querySelectorAll('[row-index] a[href*="/runs/"]').length >= 10,
  },
  [`charts, ${CHARTED} runs x 100,000 points`]: {
    path: `/experiments/${EXPERIMENT}/runs?compareRunsMode=CHART`,
    isFilled: () =>
      [...document.querySelectorAll('.js-plotly-plot')].some(
        (plot) => plot.querySelectorAll('.scatterlayer .trace path.js-line').length >= 10,
      ),
  },
}

/**
 * Visits the pages and repeats what they ask for.
 * @param context `{ contenders, folder, id, main, python, cratedbUri, log, defer }`
 * @returns title of a page → contender → milliseconds until it is filled, and of the server's answers
 */
export async function measureUi({ contenders, ...context }) {
  const uiDir = await findUi(context.python)
  const servers = []
  for (const name of contenders) {
    const began = performance.now()
    const server =
      name === 'stock-sqlite'
        ? await startSeededStock(context, stockRows())
        : await startSeededOurs(name, ourRows(), context, ['--ui-dir', uiDir])
    context.defer(server.stop)
    context.log(`${name}: seeded and started in ${Math.round((performance.now() - began) / 1000)} s`)
    servers.push(server)
  }
  const executablePath = process.env.CHROMIUM_PATH ?? BROWSERS.find((path) => existsSync(path))
  const browser = await chromium.launch({ executablePath, args: FLAGS })
  context.defer(() => browser.close())
  const report = {}
  console.log('| page | server | filled after (ms) | requests | server time (ms) |\n|---|---|---|---|---|')
  for (const [title, page] of Object.entries(PAGES)) {
    report[title] = await measurePage(browser, servers, page)
    for (const [name, { filledMs, requests, serverMs }] of Object.entries(report[title])) {
      console.log(
        `| ${title} | ${CONTENDERS[name]} | ${filledMs.toFixed(0)} | ${requests} | ${serverMs.toFixed(1)} |`,
      )
    }
  }
  return report
}

async function measurePage(browser, servers, page) {
  const filled = new Map(servers.map(({ name }) => [name, []]))
  let asked = []
  for (let visit = 0; visit < VISITS; visit++) {
    for (const server of servers) {
      const { ms, requests } = await visitPage(browser, server, page)
      filled.get(server.name).push(ms)
      if (requests.length > asked.length) asked = requests
    }
  }
  const answered = await answeredByAll(servers, asked)
  const times = new Map(servers.map(({ name }) => [name, answered.map(() => [])]))
  for (let repeat = -WARM_UP; repeat < REPEATS; repeat++) {
    for (const server of servers) {
      for (const [i, request] of answered.entries()) {
        const began = performance.now()
        await server.send(request)
        if (repeat >= 0) times.get(server.name)[i].push(performance.now() - began)
      }
    }
  }
  const figures = ({ name }) => {
    const ms = times.get(name).map(median)
    return {
      filledMs: median(filled.get(name)),
      requests: answered.length,
      serverMs: ms.reduce((sum, of) => sum + of, 0),
      each: answered.map((request, i) => [String(request).split(/[ ?]/, 2).join(' '), ms[i]]),
    }
  }
  return Object.fromEntries(servers.map((server) => [server.name, figures(server)]))
}

/** A visit with nothing kept from earlier ones. Ids are alike on all servers, so requests are too. */
async function visitPage(browser, { port }, { path, isFilled }) {
  const context = await browser.newContext({ viewport: { width: 1400, height: 900 } })
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
  await tab.waitForFunction(isFilled, undefined, { polling: 20, timeout: 60_000 })
  const ms = performance.now() - began
  await tab.waitForTimeout(LATE_MS)
  await context.close()
  return { ms, requests }
}

/** The requests that every server answers, with runs and points as many as the first one's. */
async function answeredByAll(servers, requests) {
  const answered = []
  for (const request of requests) {
    const answers = await Promise.all(servers.map(({ send }) => send(request).catch(() => undefined)))
    if (answers.includes(undefined)) continue
    const [first, ...others] = answers.map(sizeOf)
    for (const other of others) assertEqual(String(request).split('\r\n')[0], other, first)
    answered.push(request)
  }
  return answered
}

function sizeOf(body) {
  const { runs = [], metrics = [] } = JSON.parse(body)
  return `${runs.length} runs, ${metrics.length} points`
}

/** The files of the UI that stock MLflow brings. */
async function findUi(python) {
  const { stdout } = await promisify(execFile)(python, ['-c', 'import mlflow; print(mlflow.__path__[0])'])
  return join(stdout.trim(), 'server/js/build')
}
