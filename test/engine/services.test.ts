// The set-up of tests itself: services start, answer and have a database of their own per file.
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3'
import pg from 'pg'
import { describe, expect, it } from 'vitest'
import { startMinio } from '../support/minio.ts'
import { missing, useService } from '../support/services.ts'

describe.skipIf(missing('cratedb'))('CrateDB of the run', () => {
  it('answers over the PostgreSQL protocol', async () => {
    const { uri } = await useService('cratedb')
    const client = new pg.Client(`${uri.replace(/^cratedb/, 'postgresql')}doc`)
    await client.connect()
    const { rows } = await client.query('SELECT 40 + 2 AS answer')
    await client.end()
    expect(rows).toEqual([{ answer: 42 }])
  })
})

describe.skipIf(missing('postgres'))('PostgreSQL of the run', () => {
  it('answers', async () => {
    const client = new pg.Client((await useService('postgres')).uri)
    await client.connect()
    const { rows } = await client.query('SELECT 40 + 2 AS answer')
    await client.end()
    expect(rows).toEqual([{ answer: 42 }])
  })
})

describe.skipIf(missing('minio'))('MinIO of the run', () => {
  it('gives each caller an empty bucket', async () => {
    const minio = await startMinio()
    const client = new S3Client({
      endpoint: minio.endpoint,
      credentials: minio,
      region: 'us-east-1',
      forcePathStyle: true,
    })
    const answer = await client.send(new ListObjectsV2Command({ Bucket: minio.bucket }))
    expect(answer.KeyCount).toBe(0)
  })
})

describe.skipIf(missing('python'))('Python of the run', () => {
  it('holds the MLflow version that the server is compatible with', async () => {
    const { command } = await useService('python')
    const { stdout } = await promisify(execFile)(command, ['-c', 'import mlflow; print(mlflow.__version__)'])
    expect(stdout.trim()).toBe('3.17.2')
  })
})

describe.skipIf(missing('stock'))('stock MLflow of the run', () => {
  it('answers its version', async () => {
    const { url } = await useService('stock')
    expect(await (await fetch(`${url}/version`)).text()).toBe('3.17.2')
  })
})
