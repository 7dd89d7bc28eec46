// The connection to an S3 service: client, lazily loaded SDK, and the translation of its errors.
import type { S3Client } from '@aws-sdk/client-s3'
import { MlflowError, unavailable } from '../../errors.ts'

/** How S3 is reached. Everything that is absent follows the AWS SDK's own environment and profiles. */
export interface S3Options {
  /** A service that is not Amazon's, such as MinIO; buckets are then addressed by path. */
  endpoint?: string
  region?: string
  credentials?: { accessKeyId: string; secretAccessKey: string; sessionToken?: string }
  /** Takes any TLS certificate. @see MLFLOW_S3_IGNORE_TLS */
  ignoreTls?: boolean
  /** Account that must own the bucket. @see MLFLOW_S3_EXPECTED_BUCKET_OWNER */
  expectedBucketOwner?: string
  /** More fields of PutObject, such as `ServerSideEncryption`. @see MLFLOW_S3_UPLOAD_EXTRA_ARGS */
  uploadExtraArgs?: Record<string, string>
}

/** Downloads to slow clients each hold a connection, so there must be more than the SDK's 50. */
const MAX_SOCKETS = 1024

function loadSdk() {
  return Promise.all([
    import('@aws-sdk/client-s3'),
    import('@aws-sdk/lib-storage'),
    import('@aws-sdk/s3-request-presigner'),
  ]).then(([s3, storage, presigner]) => ({
    s3,
    Upload: storage.Upload,
    getSignedUrl: presigner.getSignedUrl,
  }))
}

type Sdk = Awaited<ReturnType<typeof loadSdk>>

export interface S3Access {
  options: S3Options
  /** The SDK and its client; the first call loads them, which takes a good part of a second. */
  connect(): Promise<Sdk & { client: S3Client }>
}

/** One client, shared by all stores that are opened with this access. */
export function createS3Access(options: S3Options): S3Access {
  let connection: ReturnType<S3Access['connect']> | undefined
  return {
    options,
    connect() {
      connection ??= loadSdk().then((sdk) => ({ ...sdk, client: createClient(sdk, options) }))
      return connection
    },
  }
}

function createClient({ s3 }: Sdk, options: S3Options): S3Client {
  return new s3.S3Client({
    region: options.region ?? 'us-east-1',
    ...(options.endpoint
      ? { endpoint: options.endpoint, forcePathStyle: true }
      : { followRegionRedirects: true }),
    ...(options.credentials && { credentials: options.credentials }),
    // Presigned parts are sent by clients that know no checksums, and not every S3 service takes them.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: 5000,
      httpAgent: { keepAlive: true, maxSockets: MAX_SOCKETS },
      httpsAgent: { keepAlive: true, maxSockets: MAX_SOCKETS, rejectUnauthorized: !options.ignoreTls },
    },
  })
}

/** @see mlflow/store/artifact/s3_artifact_repo.py BOTO_TO_MLFLOW_ERROR */
const ERROR_CODES: Record<string, ConstructorParameters<typeof MlflowError>[0]> = {
  AccessDenied: 'PERMISSION_DENIED',
  Forbidden: 'PERMISSION_DENIED',
  NoSuchBucket: 'RESOURCE_DOES_NOT_EXIST',
  NoSuchUpload: 'RESOURCE_DOES_NOT_EXIST',
  InvalidAccessKeyId: 'UNAUTHENTICATED',
  SignatureDoesNotMatch: 'UNAUTHENTICATED',
  InvalidPart: 'INVALID_PARAMETER_VALUE',
  InvalidPartOrder: 'INVALID_PARAMETER_VALUE',
  EntityTooSmall: 'INVALID_PARAMETER_VALUE',
  MalformedXML: 'INVALID_PARAMETER_VALUE',
}

interface S3Failure {
  name: string
  message: string
  code?: string
  $metadata?: { httpStatusCode?: number }
}

export const isMissing = (error: unknown): boolean =>
  ['NoSuchKey', 'NotFound'].includes((error as S3Failure).name)

/** The error to throw for what the SDK threw: MLflow's codes, and 503 while the service cannot be reached. */
export function translateS3Error(error: unknown): unknown {
  if (error instanceof MlflowError) return error
  const { name, message, code, $metadata } = error as S3Failure
  const mapped = ERROR_CODES[name] ?? ERROR_CODES[code ?? '']
  if (mapped) return new MlflowError(mapped, `Artifact storage: ${message}`, { cause: error })
  const status = $metadata?.httpStatusCode
  const isUnreachable = /^(ECONN|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ETIMEDOUT|EPIPE)/.test(code ?? '')
  if (isUnreachable || name === 'TimeoutError' || status === 503 || status === 429) {
    return unavailable('The artifact storage cannot be reached. Try again later.', error)
  }
  // What it refuses will be refused again: an answer of 500 would be sent again by clients for minutes.
  if (status !== undefined && status >= 400 && status < 500) {
    const refusal = status === 403 ? 'PERMISSION_DENIED' : 'INVALID_PARAMETER_VALUE'
    return new MlflowError(refusal, `Artifact storage: ${message}`, { cause: error })
  }
  return error
}
