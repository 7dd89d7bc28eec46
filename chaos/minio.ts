// MinIO as a process that can be stopped and started again over the same data.
import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { answers, type Child, freePort, startChild } from '../test/support/services/child.ts'

const BUCKET = 'chaos'

export interface ObjectStore {
  /** For --artifacts-destination. */
  uri: string
  /** What the server needs to reach it. */
  env: Record<string, string>
  start: () => Promise<void>
  kill: () => Promise<void>
}

/** The `minio` command on the PATH. */
export const findMinio = (): string | undefined =>
  (process.env.PATH ?? '')
    .split(':')
    .map((folder) => join(folder, 'minio'))
    .find((file) => existsSync(file))

/** Starts a store with one bucket below the folder. */
export async function startObjectStore(command: string, folder: string): Promise<ObjectStore> {
  const root = join(folder, 'minio')
  await mkdir(join(root, 'data'), { recursive: true })
  const endpoint = `http://127.0.0.1:${await freePort()}`
  const [user, password] = ['chaos-user', 'chaos-password']
  let child: Child | undefined
  const start = async () => {
    child = await startChild({
      command: [command, 'server', join(root, 'data'), '--address', endpoint.slice('http://'.length)],
      logFile: join(root, 'minio.log'),
      env: {
        ...process.env,
        HOME: root,
        MINIO_ROOT_USER: user,
        MINIO_ROOT_PASSWORD: password,
        MINIO_BROWSER: 'off',
      },
      ready: () => answers(`${endpoint}/minio/health/ready`),
    })
  }
  await start()
  const credentials = { accessKeyId: user, secretAccessKey: password }
  const client = new S3Client({ endpoint, region: 'us-east-1', forcePathStyle: true, credentials })
  await client.send(new CreateBucketCommand({ Bucket: BUCKET }))
  client.destroy()
  return {
    uri: `s3://${BUCKET}/artifacts`,
    env: {
      S3_ENDPOINT: endpoint,
      AWS_REGION: 'us-east-1',
      AWS_ACCESS_KEY_ID: user,
      AWS_SECRET_ACCESS_KEY: password,
    },
    start,
    async kill() {
      await child?.kill()
      child = undefined
    },
  }
}
