// The commands on a running server, when that is away, strange or endless, and when nobody waits for them any more.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { useService } from '../support/services.ts'
import { runProgram } from './program.ts'

const SECRET = 'hunter2'
const closing: (() => void)[] = []
afterEach(() => {
  for (const close of closing.splice(0)) close()
})

/** A server of the test's own; answers its URL. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const json = (answer: unknown): RequestListener => {
  const text = JSON.stringify(answer)
  return (_request, response) =>
    void response.writeHead(200, { 'content-type': 'application/json' }).end(text)
}

const listExperiments = (uri: string) => runProgram(['experiments', 'list', '--tracking-uri', uri])

describe('commands on a server', () => {
  it('that is away, or no tracking server, say so in a line', async () => {
    const away = await listExperiments(`http://u:${SECRET}@127.0.0.1:9`)
    expect(away.stderr).toMatch(/^crateflow: http:\/\/u:\*\*\*@127\.0\.0\.1:9 cannot be reached: .+\n$/)
    expect(away.code).toBe(1)
    const strange = await listExperiments(await serve((_request, response) => void response.end('<html>')))
    expect(strange.stderr).toMatch(/^crateflow: .+ answered with status 200: is it a Crateflow server\?\n$/)
    expect(strange.code).toBe(1)
    expect(await listExperiments('file:///tmp')).toEqual({
      code: 2,
      stdout: '',
      stderr: 'crateflow: --tracking-uri must be the http or https URL of a running server.\n',
    })
  })

  it('that answers something else than was asked for show no stack trace', async () => {
    for (const answer of [{ experiments: 'none' }, { experiments: [null] }, null, 7]) {
      expect(await listExperiments(await serve(json(answer)))).toEqual({
        code: 1,
        stdout: '',
        stderr: 'crateflow: The server answered something else than a list of experiments.\n',
      })
    }
  })

  it('go on behind a page that is empty and not the last one', async () => {
    const experiments = [{ experiment_id: '123456', name: 'a long name', lifecycle_stage: 'active' }]
    const pages = [{ next_page_token: 'more' }, { experiments, next_page_token: 'more' }, {}]
    let asked = 0
    const uri = await serve((request, response) => json(pages[asked++])(request, response))
    const args = ['experiments', 'list', '--columns', 'experiment_id,name,lifecycle_stage']
    const { code, stdout, stderr } = await runProgram([...args, '--tracking-uri', uri])
    expect(stdout).toBe('ID      NAME         STAGE\n123456  a long name  active\n')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(asked).toBe(3)
  })

  it('stop to ask when nobody reads any more, and say nothing', async () => {
    let asked = 0
    const experiments = Array.from({ length: 500 }, (_none, index) => ({
      experiment_id: String(index),
      name: 'x'.repeat(200),
      lifecycle_stage: 'active',
    }))
    const uri = await serve((request, response) => {
      asked++
      json({ experiments, next_page_token: 'more' })(request, response)
    })
    const { main } = await useService('build')
    for (const format of ['table', 'csv', 'json']) {
      const command = `"$0" "$1" experiments list --limit all --format ${format} --tracking-uri ${uri} | head -n 1`
      const child = spawn('bash', ['-c', `set -o pipefail; ${command}`, process.execPath, main])
      let stderr = ''
      child.stderr.on('data', (text) => {
        stderr += text
      })
      child.stdout.resume()
      expect(await once(child, 'close')).toEqual([0, null])
      expect(stderr).toBe('')
    }
    expect(asked).toBeLessThan(100)
  })

  it('end at once with Ctrl-C, which shells tell as 130', async () => {
    let arrive = () => {}
    const arrived = new Promise<void>((resolve) => {
      arrive = resolve
    })
    // Never answers.
    const uri = await serve(() => arrive())
    const { main } = await useService('build')
    const child = spawn(process.execPath, [main, 'runs', 'list', '--tracking-uri', uri])
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (text) => {
        output += text
      })
    }
    await arrived
    child.kill('SIGINT')
    expect(await once(child, 'close')).toEqual([130, null])
    expect(output).toBe('')
  })
})
