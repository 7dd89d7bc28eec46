// Artifacts in an S3 bucket, below a prefix. The SDK is loaded with the first request, not at start-up.
import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { signedAttachmentDisposition } from './content-disposition.ts'
import { guessType } from './mime-types.ts'
import { isMissing, type S3Access, translateS3Error } from './s3-access.ts'
import {
  type ArtifactStat,
  type ArtifactStore,
  type ByteRange,
  comparePaths,
  DirectoryError,
  type FileInfo,
  invalidPath,
  type MultipartUploads,
  noSuchArtifact,
  type OpenArtifact,
  type Presigning,
  pathParts,
  shortUpload,
  type UploadCredential,
  type UploadedPart,
} from './store.ts'

const MIB = 1024 * 1024
/** S3's limits: parts of an upload, bytes of a key, keys of one DeleteObjects. */
const MAX_PARTS = 10_000
const MAX_KEY_BYTES = 1024
const MIN_PART_BYTES = 8 * MIB
/** For uploads of unknown length: reaches 156 GiB. */
const UNKNOWN_LENGTH_PART_BYTES = 16 * MIB
/** Parts of one upload that are held in memory and sent at the same time. */
const PARTS_IN_FLIGHT = 3
/** Seconds a client has to send a part, as boto3 signs it. */
const PART_EXPIRY_SECONDS = 3600
const PRESIGNED_PER_TURN = 50

interface Place {
  access: S3Access
  bucket: string
  prefix: string
  /** Fields that every request carries. */
  common: { Bucket: string; ExpectedBucketOwner?: string }
}

/**
 * A store of the objects `s3://bucket/prefix/…`.
 * @see mlflow/store/artifact/s3_artifact_repo.py S3ArtifactRepository
 */
export function openS3Store(access: S3Access, bucket: string, prefix: string): ArtifactStore {
  const owner = access.options.expectedBucketOwner
  const common = { Bucket: bucket, ...(owner && { ExpectedBucketOwner: owner }) }
  const place: Place = { access, bucket, prefix: prefix.replace(/\/+$/, ''), common }
  const translated = async <T>(operation: () => Promise<T>): Promise<T> => {
    try {
      return await operation()
    } catch (error) {
      throw translateS3Error(error)
    }
  }
  return {
    check: () => translated(() => checkBucket(place)),
    list: (path = '') => translated(() => list(place, path)),
    stat: (path) => translated(() => stat(place, path)),
    open: (path, range) => translated(() => open(place, path, range)),
    write: (path, stream, options) => translated(() => write(place, path, stream, options?.sizeBytes)),
    delete: (path) => translated(() => deletePath(place, path)),
    count: (path) => translated(() => count(place, path)),
    multipart: multipartUploads(place, translated),
    presigning: presigning(place, translated),
  }
}

/** That the bucket is there, and the credentials are known. */
async function checkBucket(place: Place): Promise<void> {
  const { s3, client } = await place.access.connect()
  try {
    await client.send(new s3.ListObjectsV2Command({ ...place.common, MaxKeys: 1 }))
  } catch (error) {
    // Who may read and write objects may not be allowed to list them.
    if ((error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode !== 403) throw error
    const refused = translateS3Error(error)
    if ((refused as { code?: string }).code !== 'PERMISSION_DENIED') throw error
  }
}

type Translated = <T>(operation: () => Promise<T>) => Promise<T>

function keyOf(place: Place, path: string): string {
  const key = [place.prefix, ...pathParts(path)].filter(Boolean).join('/')
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) throw invalidPath()
  return key
}

/** The key of a file: the root itself is none. */
function fileKeyOf(place: Place, path: string): string {
  if (pathParts(path).length === 0) throw new DirectoryError(path)
  return keyOf(place, path)
}

async function list(place: Place, path: string): Promise<FileInfo[]> {
  const { s3, client } = await place.access.connect()
  const key = keyOf(place, path)
  const folder = key && `${key}/`
  const skipped = place.prefix ? place.prefix.length + 1 : 0
  const infos: FileInfo[] = []
  const pages = s3.paginateListObjectsV2({ client }, { ...place.common, Prefix: folder, Delimiter: '/' })
  for await (const page of pages) {
    for (const { Prefix = '' } of page.CommonPrefixes ?? []) {
      infos.push({ path: Prefix.slice(skipped, -1), isDir: true })
    }
    for (const { Key = '', Size = 0 } of page.Contents ?? []) {
      // Consoles make a folder visible by an empty object whose key ends in a slash.
      if (!Key.endsWith('/')) infos.push({ path: Key.slice(skipped), isDir: false, sizeBytes: Size })
    }
  }
  return infos.sort(comparePaths)
}

interface ObjectFacts {
  ETag?: string
  LastModified?: Date
}

const describe = (object: ObjectFacts, totalBytes: number): ArtifactStat => ({
  totalBytes,
  lastModified: object.LastModified ?? new Date(0),
  etag: object.ETag ?? '""',
})

async function stat(place: Place, path: string): Promise<ArtifactStat> {
  const { s3, client } = await place.access.connect()
  const Key = fileKeyOf(place, path)
  try {
    const object = await client.send(new s3.HeadObjectCommand({ ...place.common, Key }))
    return describe(object, object.ContentLength ?? 0)
  } catch (error) {
    throw await orMissing(place, path, error)
  }
}

async function open(place: Place, path: string, range?: ByteRange): Promise<OpenArtifact> {
  const { s3, client } = await place.access.connect()
  const Key = fileKeyOf(place, path)
  const Range = range && `bytes=${range.start}-${range.end}`
  try {
    const object = await client.send(new s3.GetObjectCommand({ ...place.common, Key, Range }))
    const sizeBytes = object.ContentLength ?? 0
    const total = Number(object.ContentRange?.split('/')[1] ?? sizeBytes)
    return { ...describe(object, total), stream: object.Body as Readable, sizeBytes }
  } catch (error) {
    throw await orMissing(place, path, error)
  }
}

/** For an absent object tells a folder from nothing. */
async function orMissing(place: Place, path: string, error: unknown): Promise<unknown> {
  if (!isMissing(error)) return error
  const { s3, client } = await place.access.connect()
  const Prefix = `${keyOf(place, path)}/`
  const found = await client.send(new s3.ListObjectsV2Command({ ...place.common, Prefix, MaxKeys: 1 }))
  return found.KeyCount ? new DirectoryError(path) : noSuchArtifact(path)
}

async function write(place: Place, path: string, stream: Readable, sizeBytes?: number): Promise<void> {
  const { client, Upload } = await place.access.connect()
  const { type, encoding } = guessType(path)
  const partSize = sizeBytes === undefined ? UNKNOWN_LENGTH_PART_BYTES : partBytes(sizeBytes)
  const upload = new Upload({
    client,
    partSize,
    queueSize: PARTS_IN_FLIGHT,
    params: {
      ...place.common,
      Key: fileKeyOf(place, path),
      Body: Readable.from(counted(stream, sizeBytes)),
      ContentType: type ?? 'application/octet-stream',
      ContentEncoding: encoding,
      ...place.access.options.uploadExtraArgs,
    },
  })
  // A stream that fails makes it abort the multipart upload, so that no parts are left behind.
  await upload.done()
}

const partBytes = (sizeBytes: number) =>
  Math.max(MIN_PART_BYTES, Math.ceil(sizeBytes / MAX_PARTS / MIB) * MIB)

async function* counted(stream: Readable, sizeBytes?: number): AsyncGenerator<Buffer> {
  let read = 0
  for await (const chunk of stream) {
    read += chunk.length
    yield chunk
  }
  if (sizeBytes !== undefined && read !== sizeBytes) throw shortUpload()
}

async function deletePath(place: Place, path: string): Promise<void> {
  if (pathParts(path).length === 0) throw invalidPath()
  const { s3, client } = await place.access.connect()
  for await (const keys of keysOf(place, path)) {
    const Objects = keys.map((Key) => ({ Key }))
    if (Objects.length === 0) continue
    const done = await client.send(
      new s3.DeleteObjectsCommand({ ...place.common, Delete: { Objects, Quiet: true } }),
    )
    const failed = done.Errors?.[0]
    if (failed) throw Object.assign(new Error(failed.Message), { name: failed.Code ?? 'Error' })
  }
}

async function count(place: Place, path: string): Promise<number> {
  if (pathParts(path).length === 0) throw invalidPath()
  let files = 0
  for await (const keys of keysOf(place, path)) files += keys.length
  return files
}

/** The keys of a file, or of all that a folder holds, page by page. */
async function* keysOf(place: Place, path: string): AsyncGenerator<string[]> {
  const { s3, client } = await place.access.connect()
  const key = keyOf(place, path)
  // The prefix also finds siblings: `foo` finds `foobar`.
  const pages = s3.paginateListObjectsV2({ client }, { ...place.common, Prefix: key })
  for await (const page of pages) {
    const keys = (page.Contents ?? []).flatMap(({ Key }) => Key ?? [])
    yield keys.filter((each) => each === key || each.startsWith(`${key}/`))
  }
}

function multipartUploads(place: Place, translated: Translated): MultipartUploads {
  return {
    create: (path, numParts) => translated(() => createMultipart(place, path, numParts)),
    complete: (path, uploadId, parts) => translated(() => completeMultipart(place, path, uploadId, parts)),
    abort: (path, uploadId) =>
      translated(async () => {
        const { s3, client } = await place.access.connect()
        const Key = fileKeyOf(place, path)
        await client.send(new s3.AbortMultipartUploadCommand({ ...place.common, Key, UploadId: uploadId }))
      }),
  }
}

async function createMultipart(place: Place, path: string, numParts: number) {
  const { s3, client, getSignedUrl } = await place.access.connect()
  const Key = fileKeyOf(place, path)
  const { UploadId = '' } = await client.send(new s3.CreateMultipartUploadCommand({ ...place.common, Key }))
  const credentials: UploadCredential[] = []
  for (let partNumber = 1; partNumber <= numParts; partNumber++) {
    const part = new s3.UploadPartCommand({ ...place.common, Key, PartNumber: partNumber, UploadId })
    const url = await getSignedUrl(client, part, { expiresIn: PART_EXPIRY_SECONDS })
    credentials.push({ url, partNumber, headers: {} })
    if (partNumber % PRESIGNED_PER_TURN === 0) await nextTurn()
  }
  return { uploadId: UploadId, credentials }
}

async function completeMultipart(
  place: Place,
  path: string,
  uploadId: string,
  parts: readonly UploadedPart[],
): Promise<void> {
  const { s3, client } = await place.access.connect()
  await client.send(
    new s3.CompleteMultipartUploadCommand({
      ...place.common,
      Key: fileKeyOf(place, path),
      UploadId: uploadId,
      MultipartUpload: { Parts: parts.map((part) => ({ PartNumber: part.partNumber, ETag: part.etag })) },
    }),
  )
}

function presigning(place: Place, translated: Translated): Presigning {
  return {
    download: (path, expiresSeconds) =>
      translated(async () => {
        const { s3, client, getSignedUrl } = await place.access.connect()
        const { totalBytes } = await stat(place, path)
        const Key = fileKeyOf(place, path)
        const ResponseContentDisposition = signedAttachmentDisposition(Key.slice(Key.lastIndexOf('/') + 1))
        const command = new s3.GetObjectCommand({ ...place.common, Key, ResponseContentDisposition })
        return {
          url: await getSignedUrl(client, command, { expiresIn: expiresSeconds }),
          headers: {},
          totalBytes,
        }
      }),
    upload: (path, expiresSeconds) =>
      translated(async () => {
        const { s3, client, getSignedUrl } = await place.access.connect()
        const ContentType = guessType(path).type ?? 'application/octet-stream'
        const command = new s3.PutObjectCommand({ ...place.common, Key: fileKeyOf(place, path), ContentType })
        // Signed, so that the client cannot choose another type.
        const signableHeaders = new Set(['content-type'])
        const url = await getSignedUrl(client, command, { expiresIn: expiresSeconds, signableHeaders })
        return { url, headers: { 'Content-Type': ContentType } }
      }),
  }
}
