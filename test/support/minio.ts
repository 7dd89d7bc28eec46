// MinIO for tests of object storage.
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import type { Minio } from './services/minio.ts'
import { useService } from './services.ts'

export interface MinioBucket extends Minio {
  bucket: string
  /** The environment that a server process needs to use it. */
  env: Record<string, string>
}

/** The MinIO of the run with a new, empty bucket. Use below `describe.skipIf(missing('minio'))`. */
export async function startMinio(): Promise<MinioBucket> {
  const minio = await useService('minio')
  const bucket = `test-${crypto.randomUUID()}`
  const { endpoint, accessKeyId, secretAccessKey } = minio
  const credentials = { accessKeyId, secretAccessKey }
  const client = new S3Client({ endpoint, credentials, region: 'us-east-1', forcePathStyle: true })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
  return {
    ...minio,
    bucket,
    env: {
      S3_ENDPOINT: endpoint,
      MLFLOW_S3_ENDPOINT_URL: endpoint,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_REGION: 'us-east-1',
      AWS_DEFAULT_REGION: 'us-east-1',
    },
  }
}
