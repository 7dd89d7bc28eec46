// Uploads in parts, which clients send to the store itself.
import { invalidParameter } from '../errors.ts'
import { missingParameter } from '../platform/wire/message.ts'
import { baseName, joinPath } from '../platform/wire/uri.ts'
import { validatePathIsSafe } from './paths.ts'
import { type Located, unsupported } from './service.ts'
import { invalidPath, type MultipartUploads, pathParts, type UploadedPart } from './stores/store.ts'

/** S3's limit of parts in one upload. */
const MAX_PARTS = 10_000

/** The multipart uploads of a store, and the file in the folder `path` that they are about. */
function multipartOf({ store, path }: Located, fileName: string): [MultipartUploads, string] {
  if (fileName === '') throw missingParameter('path')
  if (!store.multipart) throw unsupported('Multipart upload')
  // Clients send the file's local path; only its name counts, and it must be one.
  const name = baseName(fileName)
  if (pathParts(validatePathIsSafe(name)).length !== 1) throw invalidPath()
  return [store.multipart, joinPath(path, name)]
}

/** Starts an upload in parts, which the client sends to the store itself. */
export async function createMultipartUpload(folder: Located, fileName: string, numParts: number) {
  const [multipart, path] = multipartOf(folder, fileName)
  if (numParts > MAX_PARTS) {
    throw invalidParameter(`num_parts must be at most ${MAX_PARTS} (got ${numParts}).`)
  }
  return multipart.create(path, numParts)
}

/** Makes one file of the parts. */
export async function completeMultipartUpload(
  folder: Located,
  fileName: string,
  upload: { uploadId: string; parts: readonly UploadedPart[] },
): Promise<void> {
  const [multipart, path] = multipartOf(folder, fileName)
  await multipart.complete(path, upload.uploadId, upload.parts)
}

/** Gives an upload in parts up; what was sent of it is deleted. */
export async function abortMultipartUpload(
  folder: Located,
  fileName: string,
  uploadId: string,
): Promise<void> {
  const [multipart, path] = multipartOf(folder, fileName)
  await multipart.abort(path, uploadId)
}
