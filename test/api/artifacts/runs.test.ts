// Artifacts of runs: listing, download, upload and signed links, in proxied and in direct locations.
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { sendRaw, useArtifactApp } from './artifact-app.ts'
import { describeEachStore, folderTarget } from './targets.ts'

const LIST = '/api/2.0/mlflow/artifacts/list'
const UPLOAD = '/ajax-api/2.0/mlflow/upload-artifact'
const JSON_TYPE = { 'content-type': 'application/json' }

describeEachStore('Artifacts of a run', (target) => {
  const served = useArtifactApp(target)
  const ask = async (
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: string | Buffer } = {},
  ) => {
    const { status, headers, body } = await sendRaw(served.url, method, path, options)
    const isJson = String(headers['content-type']).includes('json') && body.length > 0
    return { status, headers, body: isJson ? JSON.parse(String(body)) : String(body) }
  }
  const upload = (runId: string, path: string, body: string | Buffer, headers = {}) =>
    ask('POST', `${UPLOAD}?run_uuid=${runId}&path=${path}`, { body, headers })

  describe.each([
    ['proxied', () => `mlflow-artifacts:/7/${crypto.randomUUID()}/artifacts`],
    ['proxied with an authority of ours', () => `mlflow-artifacts:///7/${crypto.randomUUID()}/artifacts`],
    ['direct', () => `${target.uri}/direct/${crypto.randomUUID()}/artifacts`],
  ])('in a %s location', (_kind, location) => {
    let rootUri = ''
    let runId = ''
    beforeAll(() => {
      rootUri = location()
      runId = served.addRun(rootUri)
    })

    it('are none at first', async () => {
      expect(await ask('GET', `${LIST}?run_id=${runId}`)).toMatchObject({
        status: 200,
        body: { root_uri: rootUri },
      })
      expect((await ask('GET', `${LIST}?run_id=${runId}`)).body).not.toHaveProperty('files')
    })

    it('are uploaded, listed and downloaded', async () => {
      expect(await upload(runId, 'd/f.txt', 'abc', { 'content-type': 'text/plain' })).toMatchObject({
        status: 200,
        body: '',
      })
      await upload(runId, 'top.json', '{"a":1}', JSON_TYPE)
      expect((await ask('GET', `${LIST}?run_id=${runId}`)).body).toEqual({
        root_uri: rootUri,
        files: [
          { path: 'd', is_dir: true },
          { path: 'top.json', is_dir: false, file_size: 7 },
        ],
      })
      expect((await ask('GET', `${LIST}?run_uuid=${runId}&path=d`)).body.files).toEqual([
        { path: 'd/f.txt', is_dir: false, file_size: 3 },
      ])
      expect((await ask('GET', `${LIST}?run_id=${runId}&path=d/f.txt`)).body).toEqual({ root_uri: rootUri })
      for (const name of ['run_id', 'run_uuid']) {
        const answer = await sendRaw(served.url, 'GET', `/get-artifact?${name}=${runId}&path=d/f.txt`)
        expect(String(answer.body)).toBe('abc')
        expect(answer).toMatchObject({
          status: 200,
          headers: {
            'content-disposition': 'attachment; filename=f.txt',
            'content-security-policy': "default-src 'none'; sandbox",
            'content-type': 'text/plain',
            'content-length': '3',
            'cache-control': 'no-cache',
            'accept-ranges': 'bytes',
            'x-content-type-options': 'nosniff',
          },
        })
      }
    })

    it('tell of themselves without their bytes', async () => {
      await upload(runId, 'd/head.txt', 'abc')
      const path = `/get-artifact?run_id=${runId}&path=d/head.txt`
      const [whole, head] = [await ask('GET', path), await ask('HEAD', path)]
      expect(head).toMatchObject({ status: 200, body: '' })
      for (const name of ['content-type', 'content-length', 'content-disposition', 'etag', 'last-modified'])
        expect([name, head.headers[name]]).toEqual([name, whole.headers[name]])
      expect((await ask('HEAD', `${path}.none`)).status).toBe(404)
    })

    it('are sent in parts, and not again to a client that holds them', async () => {
      await upload(runId, 'part.txt', 'abcdef')
      const path = `/get-artifact?run_id=${runId}&path=part.txt`
      const whole = await ask('GET', path)
      expect(await ask('GET', path, { headers: { range: 'bytes=1-2' } })).toMatchObject({
        status: 206,
        body: 'bc',
        headers: { 'content-range': 'bytes 1-2/6' },
      })
      const conditions: Record<string, string>[] = [
        { 'if-none-match': String(whole.headers.etag) },
        { 'if-none-match': `"other", W/${whole.headers.etag}` },
        { 'if-modified-since': String(whole.headers['last-modified']) },
      ]
      for (const headers of conditions) {
        expect(await ask('GET', path, { headers })).toMatchObject({ status: 304, body: '' })
      }
      expect((await ask('GET', path, { headers: { 'if-none-match': '"other"' } })).status).toBe(200)
      for (const range of ['bytes=9-', 'bytes=0-0,2-2', 'nonsense']) {
        expect(await ask('GET', path, { headers: { range } })).toMatchObject({
          status: 416,
          headers: { 'content-range': 'bytes */6' },
        })
      }
    })

    it('are refused when they do not exist or are folders', async () => {
      await upload(runId, 'dir/x', '1')
      const missing = await ask('GET', `/get-artifact?run_id=${runId}&path=nope`)
      expect(missing).toMatchObject({ status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST' } })
      expect(missing.body.message).toMatch(/^No such artifact: '.*nope'$/)
      const folder = await ask('GET', `/get-artifact?run_id=${runId}&path=dir`)
      expect(folder).toMatchObject({ status: 400, body: { error_code: 'INVALID_PARAMETER_VALUE' } })
      expect(folder.body.message).toMatch(/^Artifact path refers to a directory, not a file: '.*dir'$/)
    })

    it.each(['../x', '/etc/passwd', '%2e%2e/x', '%252e%252e/x', 'x%23y', 'C:/x', 'file:///etc/passwd'])(
      'are never at %s',
      async (path) => {
        for (const answer of [
          await ask('GET', `${LIST}?run_id=${runId}&path=${path}`),
          await ask('GET', `/get-artifact?run_id=${runId}&path=${path}`),
          await upload(runId, path, 'x'),
        ]) {
          expect(answer).toMatchObject({ status: 400, body: { message: 'Invalid path' } })
        }
      },
    )
  })

  it('are refused of a run that does not exist', async () => {
    const error = { status: 404, body: { message: 'Run with id=nope not found' } }
    expect(await ask('GET', `${LIST}?run_id=nope`)).toMatchObject(error)
    expect(await ask('GET', '/get-artifact?run_id=nope&path=x')).toMatchObject(error)
    expect(await upload('nope', 'x', 'x')).toMatchObject(error)
    expect(await ask('GET', '/get-artifact?path=x')).toMatchObject({
      body: { message: 'Run with id=None not found' },
    })
  })

  it('need a run and a path', async () => {
    expect((await ask('GET', LIST)).body.message).toMatch(/^Missing value for required parameter 'run_id'/)
    expect((await ask('POST', `${UPLOAD}?path=x`, { body: 'x' })).body.message).toBe(
      'Request must specify run_uuid.',
    )
    expect((await ask('POST', `${UPLOAD}?run_uuid=x`, { body: 'x' })).body.message).toBe(
      'Request must specify path.',
    )
    expect((await ask('GET', '/get-artifact?run_id=x')).status).toBe(400)
  })

  it('are uploaded up to 10 MB and not empty', async () => {
    const runId = served.addRun('mlflow-artifacts:/8/x/artifacts')
    const limit = 10 * 1024 * 1024
    expect((await upload(runId, 'x', Buffer.alloc(limit))).status).toBe(200)
    const tooLarge = { status: 400, body: { message: 'Artifact size is too large. Max size is 10MB.' } }
    expect(await upload(runId, 'y', Buffer.alloc(limit + 1))).toMatchObject(tooLarge)
    expect(
      await upload(runId, 'y', Buffer.alloc(limit + 1), { 'transfer-encoding': 'chunked' }),
    ).toMatchObject(tooLarge)
    expect(await upload(runId, 'y', '')).toMatchObject({
      status: 400,
      body: { message: 'Request must specify data.' },
    })
    expect(
      (await ask('GET', `${LIST}?run_id=${runId}`)).body.files.map((file: { path: string }) => file.path),
    ).toEqual(['x'])
  })

  it.each([
    [
      'ftp://elsewhere/x',
      400,
      /^The tracking server does not connect to artifact location 'ftp:\/\/elsewhere\/x'/,
    ],
    ['gs://bucket/x', 501, /has the scheme 'gs', which this server does not read/],
    ['mlflow-artifacts:/x/../../etc', 400, /^Invalid path$/],
    ['/etc', 403, /^The tracking server does not read artifact location '\/etc'/],
    ['file:///etc', 403, /^The tracking server does not read artifact location/],
    ['file:///%65tc', 403, /^The tracking server does not read artifact location/],
    ['c:/../../../../../../etc', 501, /has the scheme 'c'/],
  ])('are not looked for at %s', async (location, status, message) => {
    const runId = served.addRun(location)
    for (const path of [`${LIST}?run_id=${runId}`, `/get-artifact?run_id=${runId}&path=x`]) {
      expect(await ask('GET', path)).toMatchObject({
        status,
        body: { message: expect.stringMatching(message) },
      })
    }
  })

  it('have no signed links in proxied locations', async () => {
    const runId = served.addRun('mlflow-artifacts:/9/x/artifacts')
    const link = (kind: string) =>
      ask('POST', `/api/2.0/mlflow/artifacts/presigned-${kind}-url`, {
        headers: JSON_TYPE,
        body: JSON.stringify({ run_id: runId, path: 'x' }),
      })
    expect((await link('upload')).body.message).toBe(
      'Presigned upload is not supported for proxied artifact storage (artifact URI scheme: mlflow-artifacts). This endpoint requires a direct cloud storage artifact URI.',
    )
    expect((await link('download')).body.message).toBe(
      'Presigned download is not supported for runs with proxied artifact storage (artifact URI scheme: mlflow-artifacts). This endpoint requires a run with a direct cloud storage artifact URI.',
    )
  })

  it.each([
    ['upload', { path: 'x' }, 'Exactly one of run_id and model_id must be provided.'],
    [
      'upload',
      { run_id: 'r', model_id: 'm', path: 'x' },
      'Exactly one of run_id and model_id must be provided.',
    ],
    ['upload', { run_id: 'r' }, /^Missing value for required parameter 'path'/],
    ['upload', { run_id: 'r', path: '../x' }, 'Invalid path'],
    ['download', { path: 'x' }, /^Missing value for required parameter 'run_id'/],
    ['download', { run_id: 'r', path: '../x' }, 'Invalid path'],
    [
      'download',
      { run_id: 'r', path: 'x', expiration: 0 },
      'expiration must be between 1 and 604800 seconds (got 0).',
    ],
    [
      'download',
      { run_id: 'r', path: 'x', expiration: 604801 },
      'expiration must be between 1 and 604800 seconds (got 604801).',
    ],
  ])('get no signed link to %s for %j', async (kind, body, message) => {
    const answer = await ask('POST', `/api/2.0/mlflow/artifacts/presigned-${kind}-url`, {
      headers: JSON_TYPE,
      body: JSON.stringify(body),
    })
    expect(answer.status).toBe(400)
    expect(answer.body.message).toEqual(
      typeof message === 'string' ? message : expect.stringMatching(message),
    )
  })
})

describe('Runs in a folder that the server may not touch', () => {
  const served = useArtifactApp(folderTarget())

  it.each([
    ['a path', '/etc'],
    ['a path that climbs', '/etc/../etc'],
    ['a file URI', 'file:///etc'],
    ['an encoded file URI', 'file:///%65tc'],
    ['a file URI of this host', 'file://localhost/etc'],
    ['the root', '/'],
  ])('are refused by %s', async (_what, uri) => {
    const runId = served.addRun(uri)
    for (const [method, path] of [
      ['GET', `/get-artifact?run_id=${runId}&path=passwd`],
      ['GET', `/api/2.0/mlflow/artifacts/list?run_id=${runId}`],
      ['POST', `${UPLOAD}?run_uuid=${runId}&path=crateflow`],
    ] as const) {
      const answer = await sendRaw(served.url, method, path, method === 'POST' ? { body: 'x' } : {})
      expect(answer.status).toBe(403)
      expect(JSON.parse(String(answer.body)).error_code).toBe('PERMISSION_DENIED')
    }
  })
})

describe('Runs in a folder of their own', () => {
  const folder = join(tmpdir(), `direct-${crypto.randomUUID()}`)
  const served = useArtifactApp(folderTarget(), { allowedFolders: [folder] })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  it.each([
    ['a path', () => folder],
    ['a file URI', () => `file://${folder}/uri`],
  ])('work by %s', async (_what, uri) => {
    const runId = served.addRun(uri())
    await sendRaw(served.url, 'POST', `${UPLOAD}?run_uuid=${runId}&path=a/b`, { body: 'x' })
    const { body } = await sendRaw(served.url, 'GET', `/get-artifact?run_id=${runId}&path=a/b`)
    expect(String(body)).toBe('x')
  })

  it('have no signed links', async () => {
    const runId = served.addRun(folder)
    for (const [kind, what] of [
      ['upload', 'Presigned upload'],
      ['download', 'Presigned download'],
    ]) {
      const answer = await sendRaw(served.url, 'POST', `/api/2.0/mlflow/artifacts/presigned-${kind}-url`, {
        headers: JSON_TYPE,
        body: JSON.stringify({ run_id: runId, path: 'x' }),
      })
      expect({ status: answer.status, body: JSON.parse(String(answer.body)) }).toEqual({
        status: 501,
        body: {
          error_code: 'NOT_IMPLEMENTED',
          message: `${what} is not supported for the current artifact repository`,
        },
      })
    }
  })
})

describe('A server for artifacts alone', () => {
  const served = useArtifactApp(folderTarget(), { artifactsOnly: true })

  it.each([
    ['GET', LIST],
    ['GET', '/get-artifact'],
    ['POST', UPLOAD],
    ['POST', '/api/2.0/mlflow/artifacts/presigned-upload-url'],
  ])('refuses %s %s', async (method, path) => {
    const answer = await sendRaw(served.url, method, path)
    expect(answer).toMatchObject({ status: 503, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(String(answer.body)).toBe(
      `Endpoint: ${path} disabled due to the mlflow server running in \`--artifacts-only\` mode. To enable tracking server functionality, run \`mlflow server\` without \`--artifacts-only\``,
    )
  })

  it('serves the mlflow-artifacts endpoints', async () => {
    const path = '/api/2.0/mlflow-artifacts/artifacts/x'
    await sendRaw(served.url, 'PUT', path, { body: 'x' })
    expect((await sendRaw(served.url, 'GET', path)).status).toBe(200)
  })
})
