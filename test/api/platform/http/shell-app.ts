// The whole app with its shell, on a real port: some of what is tested here never reaches `inject`.
import { request } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { afterAll, beforeAll } from 'vitest'
import type { AppDeps } from '../../../../src/app.ts'
import type { ShellOptions } from '../../../../src/platform/http/shell.ts'
import { startApp, type TestApp } from '../../../support/app.ts'
import { engineTarget } from '../../../support/engines.ts'

export const SECURE: ShellOptions = {
  staticPrefix: '',
  security: { allowedHosts: [], allowedOrigins: [], xFrameOptions: 'SAMEORIGIN' },
  metrics: false,
  documentation: false,
}

export interface RawAnswer {
  status: number
  headers: Record<string, string | string[] | undefined>
  body: string
}

export interface ShellApp extends TestApp {
  url: string
}

/** Starts the app on PGlite before the suite's tests and closes it after them. */
export function useShellApp(shell: Partial<ShellOptions> = {}, deps: Partial<AppDeps> = {}): ShellApp {
  const target = engineTarget('PGlite')
  const self = {} as ShellApp
  beforeAll(async () => {
    Object.assign(self, await startApp(target, { ...deps, shell: { ...SECURE, ...shell } }))
    self.url = await self.app.listen({ host: '127.0.0.1', port: 0 })
  })
  afterAll(() => self.close())
  return self
}

/** Sends headers as they are, the Host header included, which `fetch` would not. */
export function send(
  url: string,
  method: string,
  path: string,
  headers: Record<string, string> = {},
  body?: string,
): Promise<RawAnswer> {
  const { hostname, port } = new URL(url)
  return new Promise((resolve, reject) => {
    const sent = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      const chunks: Buffer[] = []
      answer.on('data', (chunk: Buffer) => chunks.push(chunk))
      answer.on('error', reject)
      answer.on('end', () =>
        resolve({
          status: answer.statusCode ?? 0,
          headers: answer.headers,
          body: Buffer.concat(chunks).toString(),
        }),
      )
    })
    sent.on('error', reject)
    sent.end(body)
  })
}

/** Sends bytes that need not be HTTP, and answers what came back until the server closed the connection. */
export function sendBytes(app: TestApp['app'], bytes: string): Promise<string> {
  const { port } = app.server.address() as AddressInfo
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes))
    let answer = ''
    socket.setEncoding('utf8').on('data', (text) => {
      answer += text
    })
    socket.on('error', reject)
    socket.on('close', () => resolve(answer))
  })
}
