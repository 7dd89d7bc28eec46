// The object store away while artifacts go up and down: what was acknowledged is there, byte by byte.
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { startObjectStore } from './minio.ts'
import type { Result } from './run-fault.ts'
import { planServer } from './servers.ts'
import { createWatch, type Watch } from './watch.ts'

const ARTIFACTS = '/api/2.0/mlflow-artifacts/artifacts'
const CLIENTS = 6
const STEADY_MS = 3_000
const AWAY_MS = 6_000
const PATIENCE_MS = 90_000
const LARGEST = 300_000

interface Load {
  url: string
  watch: Watch
  /** Digests of the acknowledged uploads by path. */
  stored: Map<string, string>
  result: Result
}

const digest = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

/** Uploads and downloads while MinIO is killed and started again. */
export async function runObjectStore(minio: string, folder: string): Promise<Result> {
  const store = await startObjectStore(minio, folder)
  const server = await planServer({
    name: 'artifacts',
    folder,
    args: ['--artifacts-only', '--artifacts-destination', store.uri],
    env: store.env,
  })
  try {
    return await loadAndBreak(server, store)
  } finally {
    await server.stop()
    await store.kill()
  }
}

async function loadAndBreak(
  server: Awaited<ReturnType<typeof planServer>>,
  store: Awaited<ReturnType<typeof startObjectStore>>,
): Promise<Result> {
  await server.start()
  const watch = createWatch(1)
  const load: Load = {
    url: server.url + ARTIFACTS,
    watch,
    stored: new Map(),
    result: emptyResult('object-store-away'),
  }
  let stopped = false
  const work = Array.from({ length: CLIENTS }, async (_, client) => {
    for (let number = 0; !stopped; number++) await putOrGet(load, `${client}/${number}.bin`)
  })
  await sleep(STEADY_MS)
  await store.kill()
  await sleep(AWAY_MS)
  await store.start()
  watch.lifted()
  load.result.recoveredMs = await watch.recovered(PATIENCE_MS).catch((error: Error) => {
    load.result.violations.push(error.message)
    return undefined
  })
  stopped = true
  await Promise.all(work)
  for (const path of load.stored.keys()) await verify(load, path)
  return { ...load.result, ...watch.times(), acknowledged: load.stored.size }
}

const emptyResult = (fault: string): Result => ({
  ...{
    fault,
    longestGapMs: 0,
    errorsMs: 0,
    recoveredMs: undefined,
    acknowledged: 0,
    lost: 0,
    duplicated: 0,
    withdrawn: 0,
  },
  answers: { ok: 0, refused: 0, tooMany: 0, unavailable: 0, none: 0, other: 0 },
  violations: [],
})

async function putOrGet(load: Load, path: string): Promise<void> {
  const known = [...load.stored.keys()]
  if (known.length > 0 && Math.random() < 0.5) {
    const chosen = known[Math.floor(Math.random() * known.length)] as string
    const { status, bytes } = await send(load, chosen)
    if (status === 200 && digest(bytes) !== load.stored.get(chosen)) damaged(load, chosen)
    if (status !== 200) await sleep(100)
    return
  }
  const bytes = randomBytes(1 + Math.floor(Math.random() * LARGEST))
  const { status } = await send(load, path, bytes)
  if (status === 200) load.stored.set(path, digest(bytes))
  else await sleep(100)
}

function damaged(load: Load, path: string): void {
  load.result.lost++
  load.result.violations.push(`lost: artifact ${path} has other bytes`)
}

async function verify(load: Load, path: string): Promise<void> {
  const { status, bytes } = await send(load, path)
  if (status !== 200) {
    load.result.lost++
    load.result.violations.push(`lost: artifact ${path} answers ${status}`)
  } else if (digest(bytes) !== load.stored.get(path)) damaged(load, path)
}

/** Uploads the body, or downloads when there is none. A download that breaks off answers status 0. */
async function send({ url, watch, result }: Load, path: string, body?: Uint8Array<ArrayBuffer>) {
  let status = 0
  let bytes = new Uint8Array()
  try {
    const response = await fetch(`${url}/${path}`, {
      method: body ? 'PUT' : 'GET',
      ...(body && { body: new Blob([body]) }),
      signal: AbortSignal.timeout(60_000),
    })
    bytes = new Uint8Array(await response.arrayBuffer())
    status = response.status
  } catch {
    // The status stays 0: no whole answer came.
  }
  count(result, status, `${body ? 'upload' : 'download'} of ${path}: ${Buffer.from(bytes.subarray(0, 200))}`)
  watch.answer({ status, server: 0 })
  return { status, bytes }
}

function count({ answers, violations }: Result, status: number, what: string): void {
  if (status === 200) answers.ok++
  else if (status === 429) answers.tooMany++
  else if (status === 503) answers.unavailable++
  else if (status === 0) answers.none++
  else {
    answers.other++
    violations.push(`unexplained: ${status} for ${what}`)
  }
}
