// The mlflow-artifacts endpoints: upload, download, list, delete. The answers are those of MLflow 3.17.2.
import { randomBytes } from 'node:crypto'
import { Agent, request as httpRequest } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { sendRaw, useArtifactApp } from './artifact-app.ts'
import { describeEachStore, folderTarget, readAll } from './targets.ts'

const FILES = '/api/2.0/mlflow-artifacts/artifacts'
const MIB = 1024 * 1024
describeEachStore('The mlflow-artifacts endpoints', (target) => {
  const served = useArtifactApp(target)
  const put = (path: string, body: string | Buffer, headers = {}) =>
    sendRaw(served.url, 'PUT', `${FILES}/${path}`, { body, headers })
  const get = (path: string, headers = {}) => sendRaw(served.url, 'GET', `${FILES}/${path}`, { headers })
  const head = (path: string, headers = {}) => sendRaw(served.url, 'HEAD', `${FILES}/${path}`, { headers })
  const list = async (path: string) => {
    const { body } = await sendRaw(served.url, 'GET', `${FILES}?path=${path}`)
    return JSON.parse(String(body))
  }

  it('answers an upload with an empty body', async () => {
    const answer = await put('1/r/artifacts/a.txt', 'hello world')
    expect(answer).toMatchObject({ status: 200, headers: { 'content-length': '0' } })
    expect(answer.headers).not.toHaveProperty('content-type')
  })

  it('downloads as an attachment that no browser interprets', async () => {
    await put('dl/a.txt', 'hello world')
    const answer = await get('dl/a.txt')
    expect(String(answer.body)).toBe('hello world')
    expect(answer).toMatchObject({
      status: 200,
      headers: {
        'content-type': 'text/plain',
        'content-disposition': 'attachment; filename=a.txt',
        'content-security-policy': "default-src 'none'; sandbox",
        'x-content-type-options': 'nosniff',
        'accept-ranges': 'bytes',
        'content-length': '11',
        etag: expect.stringMatching(/^".+"$/),
        'last-modified': expect.stringMatching(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/),
      },
    })
  })

  it.each([
    ['i%25step%251%25de53f40d.png', 'i%step%1%de53f40d.png'],
    ['a%2520b.txt', 'a%20b.txt'],
    ['a%2523b.txt', 'a%23b.txt'],
    ['a%3Fb%3D1%3Bc.txt', 'a?b=1;c.txt'],
    ['100%25.txt', '100%.txt'],
    ['a%26b%2Bc%40d.txt', 'a&b+c@d.txt'],
    ["it's%20(1)%20%5B2%5D%20%7B3%7D.txt", "it's (1) [2] {3}.txt"],
  ])('keeps the file %s under the name that it spells', async (encoded, name) => {
    expect((await put(`odd/names/${encoded}`, name)).status).toBe(200)
    expect(String((await get(`odd/names/${encoded}`)).body)).toBe(name)
    const { files } = await list('odd/names')
    expect(files.map(({ path }: { path: string }) => path)).toContain(name)
    const { status } = await sendRaw(served.url, 'DELETE', `${FILES}/odd/names/${encoded}`)
    expect(status).toBe(200)
    expect((await get(`odd/names/${encoded}`)).status).toBe(404)
  })

  it('does not take one name for another that it would spell if it were decoded again', async () => {
    await put('twice/a%20b.txt', 'one')
    await put('twice/a%2520b.txt', 'two')
    expect(String((await get('twice/a%20b.txt')).body)).toBe('one')
    expect((await list('twice')).files).toHaveLength(2)
  })

  it('finds an image of a step for older clients, which decode the names of a list', async () => {
    const names = ['i%25step%250%25timestamp%251700%25e9e6.png', 'i%25step%251%25timestamp%251700%254d4e.png']
    for (const name of names) await put(`images/${name}`, name)
    const asked = ['i%25step%250%25timestamp%1700%EF%BF%BDe6.png', 'i%25step%251%25timestamp%1700M4e.png']
    for (const [i, name] of asked.entries()) {
      const { status, body } = await get(`images/${name}`)
      expect([status, String(body)]).toEqual([200, names[i]])
    }
    expect((await get('images/i%25step%252%25timestamp%1700.png')).status).toBe(400)
  })

  it.each(['a%0Ab.txt', 'a%09b.txt', 'x/%01', 'a%7f.txt'])(
    'refuses the control character in %s',
    async (path) => {
      const { status, body } = await put(path, 'x')
      expect(status).toBe(400)
      expect(JSON.parse(String(body)).message).toBe(
        'Invalid path: names of artifacts must not contain control characters.',
      )
    },
  )

  it.each(['%ff.txt', 'a%c3.txt'])('refuses bytes that are no UTF-8: %s', async (path) => {
    expect((await put(path, 'x')).status).toBe(400)
  })

  it('serves the same under /ajax-api', async () => {
    await put('ajax/a', 'x')
    const answer = await sendRaw(served.url, 'GET', `/ajax-api/2.0/mlflow-artifacts/artifacts/ajax/a`)
    expect(String(answer.body)).toBe('x')
  })

  it.each([
    [
      'caf%C3%A9%20x.png',
      `attachment; filename="cafe x.png"; filename*=UTF-8''caf%C3%A9%20x.png`,
      'image/png',
    ],
    [
      '%E6%97%A5%E6%9C%AC',
      `attachment; filename=download; filename*=UTF-8''%E6%97%A5%E6%9C%AC`,
      'application/octet-stream',
    ],
    ['a%22b.json', 'attachment; filename="a\\"b.json"', 'text/plain'],
    ['m.tar.gz', 'attachment; filename=m.tar.gz', 'application/x-tar'],
    ['MLmodel', 'attachment; filename=MLmodel', 'text/plain'],
    ['x.html', 'attachment; filename=x.html', 'text/html'],
  ])('names %s in its headers', async (name, disposition, type) => {
    await put(`names/${name}`, 'x')
    expect((await get(`names/${name}`)).headers).toMatchObject({
      'content-disposition': disposition,
      'content-type': type,
    })
  })

  it.each([
    ['bytes=0-4', 'hello', 'bytes 0-4/11'],
    ['bytes=6-', 'world', 'bytes 6-10/11'],
    ['bytes=-3', 'rld', 'bytes 8-10/11'],
    ['bytes=0-99', 'hello world', 'bytes 0-10/11'],
    ['bytes=-100', 'hello world', 'bytes 0-10/11'],
    ['bytes=0-3,2-6', 'hello w', 'bytes 0-6/11'],
  ])('sends the range %s', async (range, text, contentRange) => {
    await put('range/a.txt', 'hello world')
    const answer = await get('range/a.txt', { range })
    expect(String(answer.body)).toBe(text)
    expect(answer).toMatchObject({
      status: 206,
      headers: {
        'content-range': contentRange,
        'content-length': String(text.length),
        'content-type': 'text/plain',
      },
    })
  })

  it('sends several ranges as one multipart answer', async () => {
    await put('range/b.txt', 'hello world')
    const answer = await get('range/b.txt', { range: 'bytes=2-3,0-0' })
    const boundary = /^multipart\/byteranges; boundary=([0-9a-f]{26})$/.exec(
      String(answer.headers['content-type']),
    )?.[1]
    const part = (range: string, text: string) =>
      `--${boundary}\r\nContent-Type: text/plain\r\nContent-Range: bytes ${range}/11\r\n\r\n${text}\r\n`
    expect(answer.status).toBe(206)
    expect(String(answer.body)).toBe(`${part('0-0', 'h')}${part('2-3', 'll')}--${boundary}--`)
    expect(answer.headers['content-length']).toBe('211')
  })

  it.each([
    ['bytes=100-', 416, ''],
    ['bytes=5-2', 400, 'Range header: start must be less than end'],
    ['bits=0-1', 400, 'Only support bytes range'],
    ['bytes=', 400, 'Range header: range must be requested'],
    ['bytes=abc', 400, 'Range header: range must be requested'],
    ['bytes', 400, 'Malformed range header.'],
  ])('refuses the range %s', async (range, status, text) => {
    await put('range/c.txt', 'hello world')
    const answer = await get('range/c.txt', { range })
    expect({ status: answer.status, text: String(answer.body) }).toEqual({ status, text })
    expect(answer.headers['content-type']).toBe('text/plain; charset=utf-8')
    expect(answer.headers['content-range']).toBe(status === 416 ? 'bytes */11' : undefined)
  })

  it('sends a range only of the state that If-Range names', async () => {
    await put('range/d.txt', 'hello world')
    const { headers } = await get('range/d.txt')
    const since = String(headers['last-modified'])
    const status = async (condition: string) =>
      (await get('range/d.txt', { range: 'bytes=0-1', 'if-range': condition })).status
    expect(await status(String(headers.etag))).toBe(206)
    expect(await status(since)).toBe(206)
    expect(await status('"other"')).toBe(200)
    expect(await status('Sat, 21 Nov 2020 06:03:28 GMT')).toBe(200)
  })

  it('answers HEAD with the headers of a download and conditions', async () => {
    await put('head/a.txt', 'hello world')
    const answer = await head('head/a.txt')
    expect(answer).toMatchObject({
      status: 200,
      body: Buffer.from(''),
      headers: {
        'content-length': '11',
        'content-type': 'text/plain',
        'content-disposition': 'attachment; filename=a.txt',
        'cache-control': 'no-cache',
        'accept-ranges': 'bytes',
      },
    })
    const { etag } = answer.headers
    expect((await head('head/a.txt', { 'if-none-match': etag })).status).toBe(304)
    expect(await head('head/a.txt', { range: 'bytes=0-1' })).toMatchObject({
      status: 206,
      headers: { 'content-length': '2', 'content-range': 'bytes 0-1/11' },
    })
    expect((await head('head/missing')).status).toBe(404)
    expect((await head('head')).status).toBe(400)
  })

  it('downloads whole whatever the client holds, as MLflow does', async () => {
    await put('cond/a.txt', 'x')
    const { etag } = (await get('cond/a.txt')).headers
    expect((await get('cond/a.txt', { 'if-none-match': etag })).status).toBe(200)
  })

  it('lists a folder with names alone', async () => {
    for (const [path, text] of [
      ['l/b.bin', '12345'],
      ['l/empty', ''],
      ['l/dir/x', '1'],
      ['l/a', '1'],
    ] as const) {
      await put(path, text)
    }
    expect(await list('l')).toEqual({
      files: [
        { path: 'a', is_dir: false, file_size: 1 },
        { path: 'b.bin', is_dir: false, file_size: 5 },
        { path: 'dir', is_dir: true },
        { path: 'empty', is_dir: false },
      ],
    })
    expect(await list('l/a')).toEqual({})
    expect(await list('l/nowhere')).toEqual({})
  })

  it('lists the root without a path, and with an empty one', async () => {
    await put('top/x', '1')
    const { body } = await sendRaw(served.url, 'GET', FILES)
    expect(JSON.parse(String(body)).files).toContainEqual({ path: 'top', is_dir: true })
    expect(await list('')).toEqual(JSON.parse(String(body)))
  })

  it('answers a missing file with 404', async () => {
    const answer = await get('no/such%20file')
    expect({ status: answer.status, ...JSON.parse(String(answer.body)) }).toEqual({
      status: 404,
      error_code: 'RESOURCE_DOES_NOT_EXIST',
      message: "No such artifact: 'no/such file'",
      sqlstate: 'KAM00',
      error_class: 'RESOURCE_NOT_FOUND',
    })
  })

  it('answers a folder with 400 and its detail', async () => {
    await put('folder/inner/x', '1')
    const answer = await get('folder/inner')
    expect(answer).toMatchObject({
      status: 400,
      headers: { 'content-type': expect.stringContaining('application/json') },
    })
    expect(JSON.parse(String(answer.body))).toEqual({
      detail: "Artifact path refers to a directory, not a file: 'folder/inner'",
    })
  })

  it.each(['slash/', ''])('refuses to upload to %j, which names no file', async (path) => {
    const answer = await put(path, 'x')
    expect({ status: answer.status, body: JSON.parse(String(answer.body)) }).toEqual({
      status: 400,
      body: { detail: "Artifact path must include a filename (cannot end with '/')." },
    })
  })

  it('deletes files and folders, and answers the same when there is nothing', async () => {
    await put('del/x/y', '1')
    for (const path of ['del/x', 'del/x', 'del/never']) {
      const answer = await sendRaw(served.url, 'DELETE', `${FILES}/${path}`)
      expect({ status: answer.status, body: String(answer.body) }).toEqual({ status: 200, body: '{}' })
    }
    expect(await list('del')).toEqual({})
  })

  it.each(['text/plain', 'application/json', 'multipart/form-data; boundary=x', 'no type at all', ''])(
    'takes a body of type %j as it is',
    async (type) => {
      const headers = type ? { 'content-type': type } : {}
      expect((await put('type/x', '{broken', headers)).status).toBe(200)
      expect(String((await get('type/x')).body)).toBe('{broken')
    },
  )

  it('takes a chunked upload, without a length', async () => {
    const data = randomBytes(3 * MIB)
    const status = await new Promise((resolve, reject) => {
      const { hostname, port } = new URL(served.url)
      const sent = httpRequest({ hostname, port, method: 'PUT', path: `${FILES}/chunked/x` }, (answer) => {
        answer.resume()
        resolve(answer.statusCode)
      })
      sent.on('error', reject)
      for (let at = 0; at < data.length; at += 100_000) sent.write(data.subarray(at, at + 100_000))
      sent.end()
    })
    expect(status).toBe(200)
    expect((await get('chunked/x')).body.equals(data)).toBe(true)
  })

  it('shows nothing of an upload whose client goes away', async () => {
    const { hostname, port } = new URL(served.url)
    for (const sent of [1000, 20 * MIB]) {
      const upload = httpRequest({
        hostname,
        port,
        method: 'PUT',
        path: `${FILES}/gone/x`,
        headers: { 'content-length': String(sent + 1) },
      })
      const closed = new Promise((resolve) => upload.on('error', resolve).on('close', resolve))
      await new Promise((resolve) => upload.write(randomBytes(sent), resolve))
      upload.destroy()
      await closed
    }
    await sleep(300)
    expect(await list('gone')).toEqual({})
    expect((await get('gone/x')).status).toBe(404)
  })

  it('reads a refused upload to its end, tells why, and keeps the connection', async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 })
    const { hostname, port } = new URL(served.url)
    const upload = (path: string) =>
      new Promise<{ status: number | undefined; text: string; localPort: number | undefined }>(
        (resolve, reject) => {
          const sent = httpRequest(
            { agent, hostname, port, method: 'PUT', path: `${FILES}/${path}` },
            async (answer) => {
              const localPort = answer.socket.localPort
              resolve({ status: answer.statusCode, text: String(await readAll(answer)), localPort })
            },
          )
          sent.on('error', reject)
          sent.end(randomBytes(8 * MIB))
        },
      )
    const refused = await upload('a/./b')
    expect(refused.status).toBe(400)
    expect(JSON.parse(refused.text).message).toBe(
      "Invalid artifact path: 'a/.'. Names may be treated as files in certain cases, and must not resolve to other names when treated as such. This name would resolve to 'a'",
    )
    const next = await upload('after/refusal')
    expect(next).toEqual({ status: 200, text: '', localPort: refused.localPort })
    agent.destroy()
  })

  it('takes files of more than the usual body limit, byte by byte', async () => {
    const data = randomBytes(24 * MIB + 3)
    expect((await put('big/x', data)).status).toBe(200)
    expect((await get('big/x')).body.equals(data)).toBe(true)
    expect((await get('big/x', { range: `bytes=${20 * MIB}-${20 * MIB + 9}` })).body).toEqual(
      data.subarray(20 * MIB, 20 * MIB + 10),
    )
  })
})

describe('A server without multipart storage', () => {
  const served = useArtifactApp(folderTarget())

  it.each([
    ['POST', 'mpu/create/1/r', 'Multipart upload'],
    ['POST', 'mpu/complete/1/r', 'Multipart upload'],
    ['POST', 'mpu/abort/1/r', 'Multipart upload'],
    ['GET', 'presigned/1/r/x', 'Multipart download'],
  ])('answers %s %s that it has none', async (method, path, what) => {
    const body = JSON.stringify({
      path: 'x',
      num_parts: 1,
      upload_id: 'u',
      parts: [{ part_number: 1, etag: 'e' }],
    })
    const answer = await sendRaw(served.url, method, `/api/2.0/mlflow-artifacts/${path}`, {
      headers: { 'content-type': 'application/json' },
      ...(method === 'POST' && { body }),
    })
    expect({ status: answer.status, body: JSON.parse(String(answer.body)) }).toEqual({
      status: 501,
      body: {
        error_code: 'NOT_IMPLEMENTED',
        message: `${what} is not supported for the current artifact repository`,
      },
    })
  })
})

describe('A server that does not serve artifacts', () => {
  const served = useArtifactApp(folderTarget(), { serving: false })
  const disabled = (rule: string) =>
    `Endpoint: ${rule} disabled due to the mlflow server running with \`--no-serve-artifacts\`. To enable artifacts server functionality, run \`mlflow server\` with \`--serve-artifacts\``

  it.each(['GET', 'PUT'])('refuses %s of a file with a detail', async (method) => {
    const answer = await sendRaw(served.url, method, `${FILES}/x`)
    expect({ status: answer.status, body: JSON.parse(String(answer.body)) }).toEqual({
      status: 503,
      body: {
        detail: 'Artifact serving is disabled. Run `mlflow server` with `--serve-artifacts` to enable.',
      },
    })
  })

  it.each([
    [
      'DELETE',
      '/api/2.0/mlflow-artifacts/artifacts/x',
      '/api/2.0/mlflow-artifacts/artifacts/<path:artifact_path>',
    ],
    ['GET', '/ajax-api/2.0/mlflow-artifacts/artifacts', '/ajax-api/2.0/mlflow-artifacts/artifacts'],
    [
      'POST',
      '/api/2.0/mlflow-artifacts/mpu/create/x',
      '/api/2.0/mlflow-artifacts/mpu/create/<path:artifact_path>',
    ],
    [
      'GET',
      '/api/2.0/mlflow-artifacts/presigned/x',
      '/api/2.0/mlflow-artifacts/presigned/<path:artifact_path>',
    ],
  ])('refuses %s %s with a text', async (method, path, rule) => {
    const answer = await sendRaw(served.url, method, path)
    expect(answer).toMatchObject({ status: 503, headers: { 'content-type': 'text/html; charset=utf-8' } })
    expect(String(answer.body)).toBe(disabled(rule))
  })
})
