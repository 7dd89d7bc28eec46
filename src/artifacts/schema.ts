// Messages of the artifacts area: files of runs, files behind the mlflow-artifacts endpoints, signed links.
import { z } from 'zod'
import { int32, int64, message, repeated, text } from '../platform/wire/message.ts'
import type { FileInfo, PresignedUrl, UploadCredential } from './stores/store.ts'

/** Text that paths.ts checks, with MLflow's words for it. */
const path = () => z.string()

export const FileInfoWire = z
  .object({
    path: z.string().describe('Relative to the root that was listed'),
    is_dir: z.boolean(),
    file_size: z.number().optional().describe('Bytes; absent for folders and empty files'),
  })
  .meta({ id: 'FileInfo' })

export const ListArtifactsWire = z
  .object({ root_uri: z.string(), files: z.array(FileInfoWire).optional() })
  .meta({ id: 'ListArtifactsResponse' })

export const ListProxiedWire = z
  .object({ files: z.array(FileInfoWire).optional() })
  .meta({ id: 'ListArtifactsMlflowArtifactsResponse' })

export const UploadCredentialWire = z
  .object({ url: z.string(), part_number: z.number(), headers: z.record(z.string(), z.string()).optional() })
  .meta({ id: 'MultipartUploadCredential' })

export const CreateMultipartUploadWire = z
  .object({ upload_id: z.string(), credentials: z.array(UploadCredentialWire).optional() })
  .meta({ id: 'CreateMultipartUploadResponse' })

export const PresignedProxiedWire = z
  .object({ url: z.string(), headers: z.record(z.string(), z.string()), file_size: z.number() })
  .meta({ id: 'PresignedDownloadUrlResponse' })

export const PresignedUrlWire = z
  .object({
    presigned_url: z.string(),
    headers: z.record(z.string(), z.string()).optional().describe('To be sent along with the request'),
    file_size: z.number().optional(),
  })
  .meta({ id: 'PresignedUrlResponse' })

export const EmptyWire = z.object({}).meta({ id: 'EmptyResponse' })
/** An answer without a body. */
export const NoBodyWire = z.undefined().meta({ id: 'NoBody' })
/** @see mlflow/server/artifact_router.py, whose framework refuses in a form of its own */
export const DetailWire = z.object({ detail: z.string() }).meta({ id: 'Detail' })

/** The bytes of a file, not JSON. */
export const BytesWire = z.any().meta({ id: 'ArtifactBytes', description: 'The bytes of the file' })

export const ListArtifacts = message('ListArtifacts', {
  run_id: text().optional(),
  run_uuid: text().optional(),
  path: path().optional(),
  page_token: text().optional(),
})

export const ListProxied = message('ListArtifactsMlflowArtifacts', { path: path().optional() })

export const CreateMultipartUpload = message('CreateMultipartUpload', {
  path: path(),
  num_parts: int64().optional(),
})

export const CompleteMultipartUpload = message('CompleteMultipartUpload', {
  path: path(),
  upload_id: text().optional(),
  parts: repeated(
    message('MultipartUploadPart', {
      part_number: int32().optional(),
      etag: text().optional(),
      url: text().optional(),
    }),
  ).optional(),
})

export const AbortMultipartUpload = message('AbortMultipartUpload', {
  path: path(),
  upload_id: text().optional(),
})

export const CreatePresignedUploadUrl = message('CreatePresignedUploadUrl', {
  run_id: text().optional(),
  model_id: text().optional(),
  path: path(),
  expiration: int64().optional(),
})

export const CreatePresignedDownloadUrl = message('CreatePresignedDownloadUrl', {
  run_id: text(),
  path: path(),
  expiration: int64().optional(),
})

export const GetArtifact = message('GetArtifact', {
  run_id: text().optional(),
  run_uuid: text().optional(),
  path: path().optional(),
})

export const ListLoggedModelArtifacts = message('ListLoggedModelArtifacts', {
  model_id: text(),
  artifact_directory_path: path().optional(),
  page_token: text().optional(),
})

export const GetModelVersionArtifact = message('GetModelVersionArtifact', {
  name: text().optional(),
  version: text().optional(),
  path: path().optional(),
})

export const GetLoggedModelArtifact = message('GetLoggedModelArtifact', {
  model_id: text(),
  artifact_file_path: path().optional(),
})

/** Protobuf leaves a size of 0 out, and a list without entries. */
export const filesToWire = (files: readonly FileInfo[]) =>
  files.length === 0
    ? {}
    : {
        files: files.map((file) => ({
          path: file.path,
          is_dir: file.isDir,
          ...(file.sizeBytes && { file_size: file.sizeBytes }),
        })),
      }

const credentialToWire = (credential: UploadCredential) => ({
  url: credential.url,
  part_number: credential.partNumber,
  ...headersToWire(credential.headers),
})

export const multipartToWire = (uploadId: string, credentials: readonly UploadCredential[]) => ({
  upload_id: uploadId,
  ...(credentials.length > 0 && { credentials: credentials.map(credentialToWire) }),
})

export const presignedToWire = (presigned: PresignedUrl & { totalBytes?: number }) => ({
  presigned_url: presigned.url,
  ...headersToWire(presigned.headers),
  ...(presigned.totalBytes !== undefined && { file_size: presigned.totalBytes }),
})

const headersToWire = (headers: Record<string, string>) =>
  Object.keys(headers).length > 0 ? { headers } : {}
