// Uploads and downloads that go past the server: multipart uploads and signed links of an object store.

import { randomBytes } from 'node:crypto'
import { ListMultipartUploadsCommand, S3Client } from '@aws-sdk/client-s3'
import { describe, expect, it } from 'vitest'
import { missing, useService } from '../../support/services.ts'
import { useArtifactApp } from './artifact-app.ts'
import { readAll, s3Target, streamOf } from './targets.ts'

const MIB = 1024 * 1024
const reason = missing('minio')

/** Every field that these endpoints answer with; each has some of them. */
interface Answer {
  message: string
  upload_id: string
  credentials: { url: string; part_number: number; headers?: Record<string, string> }[]
  presigned_url: string
  url: string
  headers: Record<string, string>
  file_size: number
}
const readAnswer = async (response: Response) => (await response.json()) as Answer

describe.skipIf(reason)(`Signed links${reason && ` (${reason})`}`, () => {
  const target = s3Target()
  const served = useArtifactApp(target)
  const post = async (path: string, body: unknown) => {
    const response = await fetch(served.url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    return { status: response.status, body: await readAnswer(response) }
  }
  const mpu = (step: string, body: unknown, folder = '1/r/artifacts') =>
    post(`/api/2.0/mlflow-artifacts/mpu/${step}/${folder}`, body)
  const openUploads = async () => {
    const { endpoint, accessKeyId, secretAccessKey } = await useService('minio')
    const client = new S3Client({
      endpoint,
      region: 'us-east-1',
      forcePathStyle: true,
      credentials: { accessKeyId, secretAccessKey },
    })
    const listed = await client.send(
      new ListMultipartUploadsCommand({ Bucket: new URL(target.uri).hostname, Prefix: 'some/prefix/open/x' }),
    )
    return listed.Uploads?.length ?? 0
  }

  it('upload a file in parts', async () => {
    const data = randomBytes(11 * MIB)
    const created = await mpu('create', { path: '/some/local folder/big file.bin', num_parts: 3 })
    expect(created.status).toBe(200)
    const { upload_id, credentials } = created.body
    expect(credentials.map((one: { part_number: number }) => one.part_number)).toEqual([1, 2, 3])
    const parts = []
    for (const { url, part_number, headers = {} } of credentials) {
      const body = data.subarray((part_number - 1) * 5 * MIB, part_number * 5 * MIB)
      const sent = await fetch(url, { method: 'PUT', body, headers })
      expect(sent.status).toBe(200)
      parts.push({ part_number, etag: sent.headers.get('etag'), url })
    }
    const done = await mpu('complete', { path: '/some/local folder/big file.bin', upload_id, parts })
    expect(done).toEqual({ status: 200, body: {} })
    const { stream } = await served.store().open('1/r/artifacts/big file.bin')
    expect((await readAll(stream)).equals(data)).toBe(true)
  })

  it('are given up together with the parts that were sent', async () => {
    const { body } = await mpu('create', { path: 'x', num_parts: 1 }, 'open')
    await fetch(body.credentials[0]?.url ?? '', { method: 'PUT', body: randomBytes(MIB) })
    expect(await openUploads()).toBe(1)
    expect(await mpu('abort', { path: 'x', upload_id: body.upload_id }, 'open')).toEqual({
      status: 200,
      body: {},
    })
    expect(await openUploads()).toBe(0)
    expect(await served.store().list('open')).toEqual([])
  })

  it('are as many as asked for, none without a number, and not too many', async () => {
    const none = await mpu('create', { path: 'x' })
    expect(none.body).toEqual({ upload_id: expect.any(String) })
    const many = await mpu('create', { path: 'x', num_parts: 500 })
    expect(many.body.credentials).toHaveLength(500)
    expect((await mpu('create', { path: 'x', num_parts: 10_001 })).status).toBe(400)
  })

  it.each(['..', 'a/..', 'a/', '.', 'a#b'])('are not made for a file named %j', async (path) => {
    expect(await mpu('create', { path, num_parts: 1 })).toMatchObject({
      status: 400,
      body: { message: 'Invalid path' },
    })
  })

  it('need parts and an upload that exists', async () => {
    const { body } = await mpu('create', { path: 'x', num_parts: 1 })
    const complete = (fields: object) => mpu('complete', { path: 'x', upload_id: body.upload_id, ...fields })
    expect((await complete({})).body.message).toMatch(/^Missing value for required parameter 'parts'/)
    expect((await complete({ parts: [] })).status).toBe(400)
    expect((await complete({ parts: [{ part_number: 1, etag: 'wrong' }] })).status).toBe(400)
    const unknown = await complete({ upload_id: 'unknown', parts: [{ part_number: 1, etag: 'x' }] })
    expect(unknown).toMatchObject({ status: 404, body: { error_code: 'RESOURCE_DOES_NOT_EXIST' } })
  })

  it('download a proxied file, as an attachment', async () => {
    await served.store().write('dl/café.txt', streamOf(['hello world']))
    const response = await fetch(`${served.url}/api/2.0/mlflow-artifacts/presigned/dl/caf%C3%A9.txt`)
    const { url, headers, file_size } = await readAnswer(response)
    expect({ headers, file_size }).toEqual({ headers: {}, file_size: 11 })
    const file = await fetch(url)
    expect(await file.text()).toBe('hello world')
    expect(file.headers.get('content-disposition')).toBe("attachment; filename*=UTF-8''caf%C3%A9.txt")
    const part = await fetch(url, { headers: { range: 'bytes=0-4' } })
    expect(await part.text()).toBe('hello')
  })

  it('are refused for proxied files that do not exist', async () => {
    const response = await fetch(`${served.url}/api/2.0/mlflow-artifacts/presigned/dl/none`)
    expect(response.status).toBe(404)
  })

  it('upload and download files of a run in the object store', async () => {
    const runId = served.addRun(`${target.uri}/direct/artifacts`)
    const up = await post('/api/2.0/mlflow/artifacts/presigned-upload-url', {
      run_id: runId,
      path: 'd/g.json',
    })
    expect(up.body).toEqual({
      presigned_url: expect.stringContaining('X-Amz-SignedHeaders=content-type%3Bhost'),
      headers: { 'Content-Type': 'application/json' },
    })
    const { presigned_url, headers } = up.body
    const other = await fetch(presigned_url, {
      method: 'PUT',
      body: 'x',
      headers: { 'Content-Type': 'text/html' },
    })
    expect(other.status).toBe(403)
    const sent = await fetch(presigned_url, { method: 'PUT', body: '{"a":1}', headers })
    expect(sent.status).toBe(200)
    const down = await post('/api/2.0/mlflow/artifacts/presigned-download-url', {
      run_id: runId,
      path: 'd/g.json',
      expiration: 60,
    })
    expect(down.body).toEqual({ presigned_url: expect.stringContaining('X-Amz-Expires=60'), file_size: 7 })
    expect(await (await fetch(down.body.presigned_url)).text()).toBe('{"a":1}')
  })

  it('upload files of a logged model', async () => {
    const modelId = served.addRun(`${target.uri}/model/artifacts`)
    const up = await post('/api/2.0/mlflow/artifacts/presigned-upload-url', {
      model_id: modelId,
      path: 'MLmodel',
    })
    expect(up.body.headers).toEqual({ 'Content-Type': 'application/octet-stream' })
    expect(up.body.presigned_url).toContain('/model/artifacts/MLmodel?')
  })
})
