// Hostile paths on every endpoint that takes one, with a stock MLflow server as the reference.
import { describe, expect, it } from 'vitest'
import { missing } from '../../support/services.ts'
import { useStock } from '../../support/stock-server.ts'
import { sendRaw, useArtifactApp } from './artifact-app.ts'
import { ABSOLUTE_URL_PATHS, HOSTILE_URL_PATHS, REFUSED_BY_US_ALONE } from './hostile-paths.ts'
import { describeEachStore, folderTarget } from './targets.ts'

const FILES = '/api/2.0/mlflow-artifacts/artifacts'
const INVALID_PATH = {
  error_code: 'INVALID_PARAMETER_VALUE',
  message: 'Invalid path',
  sqlstate: 'KAM00',
  error_class: 'INVALID_PARAMETER_VALUE',
}
const MESSAGE = {
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ path: 'p', num_parts: 1, upload_id: 'u', parts: [{ part_number: 1, etag: 'e' }] }),
}

const ways = (path: string) =>
  [
    ['GET', `${FILES}/${path}`, {}],
    ['PUT', `${FILES}/${path}`, { body: 'x' }],
    ['DELETE', `${FILES}/${path}`, {}],
    ['GET', `${FILES}?path=${path}`, {}],
    ['POST', `/api/2.0/mlflow-artifacts/mpu/create/${path}`, MESSAGE],
    ['POST', `/api/2.0/mlflow-artifacts/mpu/complete/${path}`, MESSAGE],
    ['POST', `/api/2.0/mlflow-artifacts/mpu/abort/${path}`, MESSAGE],
    ['GET', `/api/2.0/mlflow-artifacts/presigned/${path}`, {}],
  ] as const

async function answersOf(url: string, path: string) {
  const answers = []
  for (const [method, target, options] of ways(path)) {
    const { status, body } = await sendRaw(url, method, target, options)
    answers.push({ method, target, status, body: JSON.parse(String(body)) as unknown })
  }
  return answers
}

const refusals = (path: string) =>
  ways(path).map(([method, target]) => ({ method, target, status: 400, body: INVALID_PATH }))

describeEachStore('A server with artifacts', (target) => {
  const served = useArtifactApp(target)

  it.each([...HOSTILE_URL_PATHS, ...ABSOLUTE_URL_PATHS])('refuses %s on every endpoint', async (path) => {
    expect(await answersOf(served.url, path)).toEqual(refusals(path))
  })

  it.each(REFUSED_BY_US_ALONE.filter((path) => path.length < 1000))(
    'refuses %s on every endpoint, unlike MLflow',
    async (path) => {
      expect(await answersOf(served.url, path)).toEqual(refusals(path))
    },
  )

  it('refuses a path that ends in a fragment for the router', async () => {
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const { status, body } = await sendRaw(served.url, method, `${FILES}/x#y`)
      expect({ status, body: JSON.parse(String(body)) }).toEqual({ status: 400, body: INVALID_PATH })
    }
  })

  it('refuses an overlong path, whatever is done with it', async () => {
    const path = 'x'.repeat(5000)
    for (const [method, url, options] of ways(path).slice(0, 4)) {
      const { status, body } = await sendRaw(served.url, method, url, options)
      expect({ status, body: JSON.parse(String(body)) }).toEqual({ status: 400, body: INVALID_PATH })
    }
  })

  it('has written and deleted nothing by them', async () => {
    expect(await served.store().list()).toEqual([])
  })
})

const reason = missing('stock')

describe.skipIf(reason)(`Stock MLflow${reason && ` (${reason})`}`, () => {
  const served = useArtifactApp(folderTarget())

  it.each(HOSTILE_URL_PATHS)('answers %s as we do', async (path) => {
    const stock = await useStock()
    expect(await answersOf(stock.url, path)).toEqual(await answersOf(served.url, path))
  })

  it('downloads with the headers that we send', async () => {
    const stock = await useStock()
    for (const [name, text] of [
      ['a.txt', 'hello'],
      ['caf%C3%A9%20x.png', 'png'],
      ['empty.json', ''],
      ['a%22b.tar.gz', 'x'],
    ] as const) {
      const path = `${FILES}/headers/${name}`
      const [theirs, ours] = await Promise.all(
        [stock.url, served.url].map(async (url) => {
          await sendRaw(url, 'PUT', path, { body: text })
          const answers = []
          for (const [method, range] of [
            ['GET'],
            ['HEAD'],
            ['GET', 'bytes=1-2'],
            ['HEAD', 'bytes=1-2'],
            ['GET', 'x'],
          ]) {
            const headers: Record<string, string> = range ? { range } : {}
            answers.push(comparable(await sendRaw(url, method ?? '', path, { headers })))
          }
          return answers
        }),
      )
      expect(ours).toEqual(theirs)
    }
  })
})

const COMPARED = [
  'accept-ranges',
  'cache-control',
  'content-disposition',
  'content-length',
  'content-range',
  'content-type',
]

function comparable(answer: Awaited<ReturnType<typeof sendRaw>>) {
  const headers = COMPARED.map((name) => [name, answer.headers[name]])
  // A range that cannot be met is told by HEAD in words of its own, which no client sees.
  if (answer.status === 416) return { status: 416, range: answer.headers['content-range'] }
  return { status: answer.status, headers: Object.fromEntries(headers), body: String(answer.body) }
}
