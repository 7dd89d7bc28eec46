// How requests carry their messages: bodies of any method, encodings, slashes, and wrong types of every kind of field.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendRaw } from '../api/artifacts/artifact-app.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { engineTarget } from '../support/engines.ts'
import { missing } from '../support/services.ts'
import { type StockServer, useStock } from '../support/stock-server.ts'

const API = '/api/2.0/mlflow'
const JSON_TYPE = { 'content-type': 'application/json' }

/** A body has its length, also with a GET. */
async function send(
  url: string,
  method: string,
  path: string,
  { headers = {}, body }: { headers?: Record<string, string>; body?: Buffer | string } = {},
) {
  const sized = body === undefined ? headers : { ...headers, 'content-length': `${Buffer.byteLength(body)}` }
  const answer = await sendRaw(url, method, path, { headers: sized, body })
  return { status: answer.status, location: answer.headers.location, text: String(answer.body) }
}

const reason = missing('stock')

describe.skipIf(reason)(`requests as stock MLflow reads them${reason && ` (${reason})`}`, () => {
  const target = engineTarget('PGlite')
  const suffix = crypto.randomUUID().slice(0, 8)
  let stock: StockServer
  let app: TestApp
  let sides: { url: string; runId: string; experimentId: string }[]

  beforeAll(async () => {
    stock = await useStock()
    app = await startApp(target)
    const ours = await app.app.listen({ host: '127.0.0.1', port: 0 })
    sides = await Promise.all([stock.url, ours].map(prepare))
  })
  afterAll(() => app?.close())

  async function post(url: string, path: string, body: unknown) {
    const { status, text } = await send(url, 'POST', `${API}/${path}`, {
      headers: JSON_TYPE,
      body: JSON.stringify(body),
    })
    expect({ path, status, text: status === 200 ? '' : text }).toEqual({ path, status: 200, text: '' })
    return JSON.parse(text)
  }

  async function prepare(url: string) {
    const { experiment_id: experimentId } = await post(url, 'experiments/create', { name: `json-${suffix}` })
    const { run } = await post(url, 'runs/create', { experiment_id: experimentId, start_time: 1 })
    for (const name of ['a', 'b']) {
      await post(url, 'registered-models/create', { name: `${name}-${suffix}` })
      await post(url, 'model-versions/create', { name: `${name}-${suffix}`, source: 's3://bucket/model' })
    }
    return { url, runId: run.info.run_id as string, experimentId: experimentId as string }
  }

  /** What both sides answer, with their own ids under one name. */
  async function ask(
    method: string,
    path: string,
    options: (side: { runId: string; experimentId: string }) => object,
  ) {
    return Promise.all(
      sides.map(async (side) => {
        const { status, text } = await send(side.url, method, path, options(side))
        const told = text.replaceAll(side.runId, '<run>').replaceAll(side.experimentId, '<experiment>')
        return { status, body: tryJson(told) }
      }),
    )
  }

  const tryJson = (text: string): Record<string, unknown> => {
    try {
      return JSON.parse(text)
    } catch {
      return { text }
    }
  }
  const namesOf = ({ body }: { body: Record<string, unknown> }) =>
    (body.model_versions as { name: string }[] | undefined)?.map(({ name }) => name)

  it('reads the body of a GET that has no query, whatever its content type', async () => {
    const body = JSON.stringify({ filter: `name = 'a-${suffix}'` })
    for (const headers of [{}, JSON_TYPE, { 'content-type': 'text/plain' }, { 'content-type': 'nonsense' }]) {
      const answers = await ask('GET', `${API}/model-versions/search`, () => ({ headers, body }))
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      expect(answers.map(namesOf)).toEqual([[`a-${suffix}`], [`a-${suffix}`]])
    }
    const byBody = await ask('GET', `${API}/runs/get`, ({ runId }) => ({
      body: JSON.stringify({ run_id: runId }),
    }))
    expect(byBody.map(({ status }) => status)).toEqual([200, 200])
  })

  it('reads the query of a GET that has a body, too', async () => {
    const query = new URLSearchParams({ filter: `name = 'b-${suffix}'` })
    for (const body of [JSON.stringify({ filter: `name = 'a-${suffix}'` }), 'no JSON']) {
      const answers = await ask('GET', `${API}/model-versions/search?${query}`, () => ({ body }))
      expect(answers.map(namesOf)).toEqual([[`b-${suffix}`], [`b-${suffix}`]])
    }
  })

  it('reads the body of PATCH and DELETE whatever its content type', async () => {
    const headers = { 'content-type': 'text/plain' }
    const patch = { name: `b-${suffix}`, description: 'patched' }
    const patched = await ask('PATCH', `${API}/registered-models/update`, () => ({
      headers,
      body: JSON.stringify(patch),
    }))
    expect(patched.map(({ body }) => (body.registered_model as typeof patch).description)).toEqual([
      'patched',
      'patched',
    ])
    const deleted = await ask('DELETE', `${API}/registered-models/delete`, () => ({
      body: JSON.stringify({ name: `b-${suffix}` }),
    }))
    expect(deleted.map(({ status }) => status)).toEqual([200, 200])
  })

  it.each(['utf8 with a mark', 'utf16le with a mark', 'utf16le', 'utf16be'])(
    'reads JSON in %s',
    async (encoding) => {
      const name = `Zoë in ${encoding} ${suffix}`
      const text = (encoding.includes('mark') ? '\ufeff' : '') + JSON.stringify({ name })
      const bytes = Buffer.from(text, encoding.startsWith('utf8') ? 'utf8' : 'utf16le')
      const body = encoding === 'utf16be' ? bytes.swap16() : bytes
      const answers = await ask('POST', `${API}/experiments/create`, () => ({ headers: JSON_TYPE, body }))
      expect(answers.map(({ status }) => status)).toEqual([200, 200])
      const query = new URLSearchParams({ experiment_name: name })
      const found = await ask('GET', `${API}/experiments/get-by-name?${query}`, () => ({}))
      expect(found.map(({ status }) => status)).toEqual([200, 200])
    },
  )

  it('refuses bytes that are no UTF-8, and stores nothing', async () => {
    const bytes = Buffer.from(JSON.stringify({ name: `x@${suffix}` }))
    bytes[bytes.indexOf('@')] = 0xff
    const answers = await ask('POST', `${API}/experiments/create`, () => ({
      headers: JSON_TYPE,
      body: bytes,
    }))
    expect(answers.map(({ status }) => status)).toEqual([400, 400])
    const query = new URLSearchParams({ experiment_name: `x\ufffd${suffix}` })
    const found = await ask('GET', `${API}/experiments/get-by-name?${query}`, () => ({}))
    expect(found.map(({ status }) => status)).toEqual([404, 404])
  })

  it('takes two slashes before the path, and leads to the path with single ones', async () => {
    for (const path of [
      `/${API}/experiments/search?max_results=1`,
      `//${API}/experiments/search?max_results=1`,
    ]) {
      const answers = await ask('GET', path, () => ({}))
      expect([path, ...answers.map(({ status }) => status)]).toEqual([path, 200, 200])
    }
    for (const { url } of sides) {
      const path = `/api/2.0//mlflow/experiments/search?max_results=1`
      const { status, location } = await send(url, 'GET', path)
      expect(status).toBe(308)
      expect(new URL(String(location), url).href).toBe(`${url}${API}/experiments/search?max_results=1`)
    }
  })

  it('reads numbers of metrics as Python does', async () => {
    const spelled = [
      ['true', 1],
      ['false', 0],
      ['"1_0"', 10],
      ['" 2e1 "', 20],
    ] as const
    for (const [step, [value, expected]] of spelled.entries()) {
      const body = ({ runId }: { runId: string }) => ({
        headers: JSON_TYPE,
        body: `{"run_id":"${runId}","key":"spelled","value":${value},"timestamp":1,"step":${step}}`,
      })
      const logged = await ask('POST', `${API}/runs/log-metric`, body)
      expect([value, ...logged.map(({ status }) => status)]).toEqual([value, 200, 200])
      for (const { url, runId } of sides) {
        const { text } = await send(url, 'GET', `${API}/runs/get?run_id=${runId}`)
        const { metrics } = JSON.parse(text).run.data as { metrics: { key: string; value: number }[] }
        expect(metrics.find(({ key }) => key === 'spelled')?.value).toBe(expected)
      }
    }
  })

  /** A kind of field, and a request in which `value` stands for it. */
  const FIELDS: Record<string, [method: string, path: string, body: (value: string, run: string) => string]> =
    {
      text: ['POST', 'experiments/create', (value) => `{"name":${value}}`],
      'text of a tag': [
        'POST',
        'runs/set-tag',
        (value, run) => `{"run_id":"${run}","key":"k","value":${value}}`,
      ],
      int64: ['POST', 'experiments/search', (value) => `{"max_results":${value},"filter":"name = 'none'"}`],
      'int64, optional': [
        'POST',
        'runs/create',
        (value) => `{"experiment_id":"0","run_name":"n","start_time":${value}}`,
      ],
      timestamp: [
        'POST',
        'runs/log-metric',
        (value, run) => `{"run_id":"${run}","key":"k","value":1,"timestamp":${value}}`,
      ],
      int32: ['POST', 'runs/search', (value) => `{"experiment_ids":[],"max_results":${value}}`],
      double: [
        'POST',
        'runs/log-metric',
        (value, run) => `{"run_id":"${run}","key":"k","value":${value},"timestamp":1}`,
      ],
      bool: [
        'POST',
        'model-versions/transition-stage',
        (value) =>
          `{"name":"a-${suffix}","version":"1","stage":"Production","archive_existing_versions":${value}}`,
      ],
      enum: ['POST', 'runs/update', (value, run) => `{"run_id":"${run}","status":${value}}`],
      'list of texts': [
        'POST',
        'experiments/search',
        (value) => `{"max_results":5,"filter":"name = 'none'","order_by":${value}}`,
      ],
      'list of messages': [
        'POST',
        'runs/log-batch',
        (value, run) => `{"run_id":"${run}","metrics":${value}}`,
      ],
    }
  const VALUES = [
    ...['9', '9.0', '9.5', '-9', '0', '-0', '1e3', '1E+2', '1.5e1', '1e400', '0.1e-6'],
    ...['123456789012345', '1234567890123456', '1234567890123456789', '-1234567890123456789'],
    ...['12345678901234567890', '123456789012345678901234567890', '1234567890123456.5', '1e17', '1e22'],
    ...['"9"', '"9.0"', '"9.5"', '"1e3"', '"1_000"', '" 9"', '"+9"', '"1234567890123456789"', '"nine"', '""'],
    ...['"NaN"', '"Infinity"', 'NaN', 'Infinity', '-Infinity', '"true"', 'true', 'false', 'null'],
    ...['[]', '[9.0]', '["x"]', '[null]', '{}', '{"a":9.0}', '{"b":1,"a":[1.50,true,null]}'],
  ]

  it.each(Object.keys(FIELDS))('tells of every wrong %s what stock tells', async (kind) => {
    const [method, path, bodyOf] = FIELDS[kind] as (typeof FIELDS)[string]
    const differences = []
    for (const value of VALUES) {
      const body = ({ runId }: { runId: string }) => ({ headers: JSON_TYPE, body: bodyOf(value, runId) })
      const [theirs, ours] = (await ask(method, `${API}/${path}`, body)) as [Told, Told]
      if (!isSame(theirs, ours)) differences.push({ value, theirs: tell(theirs), ours: tell(ours) })
    }
    expect(differences).toEqual([])
  })
})

interface Told {
  status: number
  body: Record<string, unknown>
}

const tell = ({ status, body }: Told) => [status, body.error_code, inOrder(String(body.message ?? ''))]

/** Python prints sets in any order. */
const inOrder = (text: string) =>
  text.replace(/\{('[^{}]*')\}/g, (_set, items: string) => `{${items.split(', ').sort().join(', ')}}`)

function isSame(theirs: Told, ours: Told): boolean {
  // Stock crashes over what is simply wrong.
  if (theirs.status === 500) return [200, 400].includes(ours.status)
  // It goes on with a message that it has read by half.
  if (theirs.status === 200) return ours.status === 200 || /^Invalid value /.test(String(ours.body.message))
  if (JSON.stringify(tell(theirs)) === JSON.stringify(tell(ours))) return true
  const isHalfRead = /^Invalid value 0 for parameter 'max_results'/.test(String(theirs.body.message))
  return isHalfRead && ours.status === 400 && /^Invalid value .* of type /.test(String(ours.body.message))
}
