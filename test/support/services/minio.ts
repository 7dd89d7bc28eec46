// Finds and starts one MinIO for a test run.
import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { answers, freePort, startChild } from './child.ts'
import { imageUnusable, startContainer } from './docker.ts'
import { withLock } from './lock.ts'
import { alreadyRunning, type Candidate, type Found, firstOf, type Started } from './service.ts'

const IMAGE = 'quay.io/minio/minio:RELEASE.2025-09-07T16-13-09Z'
const ACCESS_KEY = 'crateflow-test'
const SECRET_KEY = 'crateflow-test-secret'
const CACHE = join(import.meta.dirname, '../../../.cache/bin')

export interface Minio {
  endpoint: string
  accessKeyId: string
  secretAccessKey: string
}

/** S3_ENDPOINT, else a container, else `minio` on the PATH, else one built by Go (minutes, once, cached). */
export const findMinio = (): Promise<Found<Minio>> => firstOf(fromEnvironment, fromDocker, fromPath, fromGo)

async function fromEnvironment(): Promise<Candidate<Minio> | string> {
  const { S3_ENDPOINT, AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env
  if (!S3_ENDPOINT) return 'no S3_ENDPOINT'
  const value = {
    endpoint: S3_ENDPOINT,
    accessKeyId: AWS_ACCESS_KEY_ID,
    secretAccessKey: AWS_SECRET_ACCESS_KEY,
  }
  return alreadyRunning('S3_ENDPOINT', value)
}

async function fromDocker(): Promise<Candidate<Minio> | string> {
  const reason = await imageUnusable(IMAGE)
  if (reason) return reason
  const { Wait } = await import('testcontainers')
  const start = () =>
    startContainer(
      IMAGE,
      (container) =>
        container
          .withEnvironment({ MINIO_ROOT_USER: ACCESS_KEY, MINIO_ROOT_PASSWORD: SECRET_KEY })
          .withCommand(['server', '/data'])
          .withExposedPorts(9000)
          .withWaitStrategy(Wait.forHttp('/minio/health/ready', 9000)),
      (started) => ({
        endpoint: `http://${started.getHost()}:${started.getMappedPort(9000)}`,
        accessKeyId: ACCESS_KEY,
        secretAccessKey: SECRET_KEY,
      }),
    )
  return { how: IMAGE, start }
}

async function fromPath(): Promise<Candidate<Minio> | string> {
  for (const folder of (process.env.PATH ?? '').split(':')) {
    const binary = join(folder, 'minio')
    if (folder && existsSync(binary)) return { how: binary, start: () => startBinary(binary) }
  }
  return 'no minio on the PATH'
}

async function fromGo(): Promise<Candidate<Minio> | string> {
  const binary = join(CACHE, 'minio')
  const reason = await withLock(join(CACHE, 'minio.lock'), () => build(binary))
  return reason ?? { how: binary, start: () => startBinary(binary) }
}

async function build(binary: string): Promise<string | undefined> {
  if (existsSync(binary)) return undefined
  const run = promisify(execFile)
  try {
    await run('go', ['version'])
  } catch {
    return 'no Go to build MinIO with'
  }
  console.log('Building MinIO with Go; this takes some minutes, once.')
  try {
    const env = { ...process.env, GOBIN: CACHE }
    await run('go', ['install', 'github.com/minio/minio@latest'], { env, maxBuffer: 1e8, timeout: 900_000 })
    return undefined
  } catch (error) {
    return `Go does not build MinIO: ${(error as Error).message.slice(0, 400)}`
  }
}

async function startBinary(binary: string): Promise<Started<Minio>> {
  const folder = await mkdtemp(join(tmpdir(), 'crateflow-minio-'))
  await mkdir(join(folder, 'data'))
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const child = await startChild({
    command: [binary, 'server', join(folder, 'data'), '--address', endpoint.slice('http://'.length)],
    logFile: join(folder, 'minio.log'),
    env: {
      ...process.env,
      HOME: folder,
      MINIO_ROOT_USER: ACCESS_KEY,
      MINIO_ROOT_PASSWORD: SECRET_KEY,
      MINIO_BROWSER: 'off',
    },
    ready: () => answers(`${endpoint}/minio/health/ready`),
  })
  const stop = async () => {
    await child.kill()
    await rm(folder, { recursive: true, force: true })
  }
  return { value: { endpoint, accessKeyId: ACCESS_KEY, secretAccessKey: SECRET_KEY }, stop }
}
