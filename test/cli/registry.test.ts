// `crateflow registry` against running servers.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, it } from 'vitest'
import { emptyFolder, type RunningServer, runProgram, runServer } from './program.ts'

const API = '/api/2.0/mlflow'

async function serverWithModel(...champions: string[]): Promise<RunningServer> {
  const server = await runServer(['--static-prefix', '/mlflow'], { cwd: await emptyFolder() })
  const post = (path: string, body: object) => server.request('POST', `${API}/${path}`, body)
  await post('registered-models/create', { name: 'wine taster' })
  for (let made = 0; made < 3; made++) {
    await post('model-versions/create', { name: 'wine taster', source: 's3://bucket/model' })
  }
  for (const version of champions) {
    await post('registered-models/alias', { name: 'wine taster', alias: 'champion', version })
  }
  return server
}

describe('crateflow registry', () => {
  it('shows where an alias pointed, and rolls it back', async () => {
    const server = await serverWithModel('1', '2', '3')
    const env = { MLFLOW_TRACKING_URI: server.url }
    const registry = (...args: string[]) => runProgram(['registry', ...args, '--alias', 'champion'], { env })

    expect(await registry('rollback', 'wine taster')).toEqual({
      code: 0,
      stdout: 'champion of wine taster: version 3 -> 2\n',
      stderr: '',
    })
    expect((await registry('rollback', 'wine taster', '--to', '2')).stdout).toBe(
      'champion of wine taster points to version 2 already; nothing was changed\n',
    )
    const shown = await registry('history', 'wine taster')
    const when = /\d{4}-\d\d-\d\dT[\d:.]+Z/g
    expect(shown.stdout.replaceAll(when, '<time>'.padEnd(24))).toBe(
      [
        'champion of wine taster points to version 2',
        'WHEN                      WHAT         FROM  TO  BY',
        '<time>                    rolled back  3     2   -',
        '<time>                    set          2     3   -',
        '<time>                    set          1     2   -',
        '<time>                    set          -     1   -',
        '',
      ].join('\n'),
    )
    const json = await registry('history', 'wine taster', '--json')
    expect(JSON.parse(json.stdout)).toMatchObject({ version: '2', events: { length: 4 } })

    const failed = await registry('rollback', 'wine taster', '--to', '9')
    expect(failed.stderr).toBe(
      'crateflow: Alias champion of wine taster never pointed to version 9. Set the alias to point it there.\n',
    )
    expect(failed.code).toBe(1)
  })

  it('repeats a request whose answer was lost, and moves the alias once', async () => {
    const server = await serverWithModel('1', '2', '3')
    const target = server.url
    let lost = 0
    const proxy = createServer(async (request, response) => {
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const { method = 'GET', url = '' } = request
      const init = { method, headers: { 'content-type': 'application/json' } }
      const answer = await fetch(
        target + url,
        method === 'GET' ? init : { ...init, body: Buffer.concat(chunks) },
      )
      if (method === 'POST' && lost++ === 0) return void request.socket.destroy()
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(await answer.text())
    })
    await new Promise<void>((resolve) => void proxy.listen(0, '127.0.0.1', resolve))
    const uri = `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`
    const { code, stdout } = await runProgram([
      ...['registry', 'rollback', 'wine taster', '--alias', 'champion', '--tracking-uri', uri],
    ])
    proxy.close()
    expect(lost).toBe(2)
    expect(stdout).toBe('champion of wine taster points to version 2 already; nothing was changed\n')
    expect(code).toBe(0)
  })

  it('says what is wrong with the server it is to ask', async () => {
    const ask = (uri: string) =>
      runProgram(['registry', 'history', 'm', '--alias', 'a', '--tracking-uri', uri])
    const away = await ask('http://u:hunter2@127.0.0.1:1')
    expect(away.stderr).toMatch(
      /^crateflow: http:\/\/u:\*\*\*@127\.0\.0\.1:1 cannot be reached: .+ Name the server with --tracking-uri or MLFLOW_TRACKING_URI\.\n$/,
    )
    expect(away.code).toBe(1)
    expect(await ask('file:///tmp')).toMatchObject({
      code: 2,
      stderr: 'crateflow: --tracking-uri must be the http or https URL of a running server.\n',
    })
    const other = createServer((_request, response) => response.writeHead(404).end('<html>'))
    await new Promise<void>((resolve) => void other.listen(0, '127.0.0.1', resolve))
    const uri = `http://127.0.0.1:${(other.address() as AddressInfo).port}`
    const strange = await ask(uri)
    other.close()
    expect(strange.stderr).toBe(`crateflow: ${uri} answered with status 404: is it a Crateflow server?\n`)
    const noAlias = await runProgram(['registry', 'history', 'm'])
    expect(noAlias.stderr).toContain("required option '--alias <alias>' not specified")
    expect(noAlias.code).toBe(2)
  })

  it('signs in with what the stock client takes', async () => {
    const seen: (string | undefined)[] = []
    const guard = createServer((request, response) => {
      seen.push(request.headers.authorization)
      response.writeHead(401, { 'content-type': 'application/json' }).end('{"message":"Who are you?"}')
    })
    await new Promise<void>((resolve) => void guard.listen(0, '127.0.0.1', resolve))
    const host = `127.0.0.1:${(guard.address() as AddressInfo).port}`
    const ask = (uri: string, env: Record<string, string>) =>
      runProgram(['registry', 'history', 'm', '--alias', 'a', '--tracking-uri', uri], { env })
    expect((await ask(`http://${host}`, {})).stderr).toBe('crateflow: Who are you?\n')
    await ask(`http://ann:p%40ss@${host}`, {})
    await ask(`http://${host}`, { MLFLOW_TRACKING_USERNAME: 'ann', MLFLOW_TRACKING_PASSWORD: 'secret' })
    await ask(`http://${host}`, { MLFLOW_TRACKING_TOKEN: 'token' })
    guard.close()
    const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`
    expect(seen).toEqual([undefined, basic('ann:p@ss'), basic('ann:secret'), 'Bearer token'])
  })
})
