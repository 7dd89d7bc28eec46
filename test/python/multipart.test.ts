// The client sends and fetches large files in parts, straight to and from the object store.

import { join } from 'node:path'
import { HeadObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { describeEachEngine } from '../support/engines.ts'
import { type MinioBucket, startMinio } from '../support/minio.ts'
import { startServer, type TestServer } from '../support/server.ts'
import { missing } from '../support/services.ts'
import { runClient, TIMEOUT_MS } from './client.ts'

const MIB = 1024 * 1024
/** S3's smallest part. */
const CHUNK = String(5 * MIB)
const CLIENT = {
  MLFLOW_ENABLE_PROXY_MULTIPART_UPLOAD: 'true',
  MLFLOW_MULTIPART_UPLOAD_MINIMUM_FILE_SIZE: String(6 * MIB),
  MLFLOW_MULTIPART_UPLOAD_CHUNK_SIZE: CHUNK,
  MLFLOW_ENABLE_PROXY_MULTIPART_DOWNLOAD: 'true',
  MLFLOW_MULTIPART_DOWNLOAD_MINIMUM_FILE_SIZE: String(6 * MIB),
  MLFLOW_MULTIPART_DOWNLOAD_CHUNK_SIZE: CHUNK,
}

const reason = missing('minio') || missing('python')

describe.skipIf(reason)(`client${reason && ` (${reason})`}`, () => {
  describeEachEngine(
    'multipart artifacts',
    (target) => {
      let bucket: MinioBucket
      let server: TestServer
      beforeAll(async () => {
        bucket = await startMinio()
        server = await startServer({
          backendStoreUri: target.uri,
          args: ['--artifacts-destination', `s3://${bucket.bucket}/deep/root`, '--log-level', 'debug'],
          env: bucket.env,
        })
      })
      afterAll(() => server?.stop())

      it(
        'uploads and downloads large files in parts and small ones whole',
        async () => {
          const script = join(import.meta.dirname, 'large_files.py')
          const { run_id, files } = JSON.parse(await runClient(server.url, [script], CLIENT))
          expect(files).toEqual({
            'small.bin': [MIB, true],
            'exact.bin': [15 * MIB, true],
            'large ü.bin': [23 * MIB + 17, true],
          })
          const key = (name: string) => `deep/root/0/${run_id}/artifacts/parts/${name}`
          expect(await partsOf(bucket, key('small.bin'))).toBe(0)
          expect(await partsOf(bucket, key('exact.bin'))).toBe(3)
          expect(await partsOf(bucket, key('large ü.bin'))).toBe(5)
          // All downloads go to the store by signed links; the server itself sends no file.
          expect(requests(server, 'GET', 'presigned')).toBe(3)
          expect(requests(server, 'GET', 'artifacts/*')).toBe(0)
        },
        TIMEOUT_MS,
      )
    },
    ['PGlite', 'CrateDB'],
  )
})

/** How many parts the object was uploaded in, 0 when in one piece: S3 writes it into the ETag. */
async function partsOf(minio: MinioBucket, key: string): Promise<number> {
  const { bucket, endpoint, accessKeyId, secretAccessKey } = minio
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
  try {
    const { ETag } = await client.send(new HeadObjectCommand({ Bucket: bucket, Key: key }))
    return Number(/-(\d+)"$/.exec(ETag ?? '')?.[1] ?? 0)
  } finally {
    client.destroy()
  }
}

/** How many requests the server logged for a route of proxied artifacts. */
function requests(server: TestServer, method: string, route: string): number {
  const lines = server.log().split('\n')
  return lines.filter(
    (line) => line.includes(`"method":"${method}"`) && line.includes(`/mlflow-artifacts/${route}`),
  ).length
}
