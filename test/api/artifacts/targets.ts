// The two kinds of artifact store that suites run against.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { afterAll, beforeAll, describe } from 'vitest'
import { createStoreOpener } from '../../../src/artifacts/stores/open-store.ts'
import type { ArtifactStore } from '../../../src/artifacts/stores/store.ts'
import { startMinio } from '../../support/minio.ts'
import { missing } from '../../support/services.ts'

export interface StoreTarget {
  readonly name: 'folder' | 'S3'
  /** Location of an empty store; set before the first test. */
  uri: string
  open: (uri: string) => ArtifactStore
}

/** Declares a suite for a folder and for a bucket; the bucket is skipped where there is no MinIO. */
export function describeEachStore(title: string, suite: (target: StoreTarget) => void): void {
  describe(`${title} in a folder`, () => suite(folderTarget()))
  const reason = missing('minio')
  describe.skipIf(reason)(`${title} in S3${reason && ` (${reason})`}`, () => suite(s3Target()))
}

/** A new folder, deleted after the suite. */
export function folderTarget(): StoreTarget {
  const target: StoreTarget = { name: 'folder', uri: '', open: createStoreOpener({}) }
  beforeAll(async () => {
    target.uri = await mkdtemp(join(tmpdir(), 'artifacts-'))
  })
  afterAll(() => rm(target.uri, { recursive: true, force: true }))
  return target
}

/** A prefix in a bucket of its own. */
export function s3Target(): StoreTarget {
  const target: StoreTarget = { name: 'S3', uri: '', open: createStoreOpener({}) }
  beforeAll(async () => {
    const minio = await startMinio()
    const { accessKeyId, secretAccessKey, endpoint } = minio
    target.open = createStoreOpener({ endpoint, credentials: { accessKeyId, secretAccessKey } })
    target.uri = `s3://${minio.bucket}/some/prefix`
  })
  return target
}

/** A stream of texts or buffers that ends, or that fails after them. */
export function streamOf(chunks: (string | Buffer)[], failure?: Error): Readable {
  return Readable.from(
    (async function* () {
      for (const chunk of chunks) yield Buffer.from(chunk)
      if (failure) throw failure
    })(),
  )
}

export async function readAll(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(chunk)
  return Buffer.concat(chunks)
}
