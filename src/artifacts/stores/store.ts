// What every artifact store offers, and the path rules all of them keep. The stores themselves are beside this file.
import type { Readable } from 'node:stream'
import { doesNotExist, invalidParameter, MlflowError } from '../../errors.ts'

/** One entry of a listing; `path` is relative to the store's root. Folders have no size. */
export interface FileInfo {
  path: string
  isDir: boolean
  sizeBytes?: number
}

/** Bytes from `start` to `end`, both included and within the file. */
export interface ByteRange {
  start: number
  end: number
}

export interface ArtifactStat {
  totalBytes: number
  lastModified: Date
  /** With its double quotes; changes whenever the content does. */
  etag: string
}

export interface OpenArtifact extends ArtifactStat {
  /** Must be read or destroyed by the caller. */
  stream: Readable
  /** Bytes the stream gives: the range's length, or all. */
  sizeBytes: number
}

export interface UploadCredential {
  url: string
  partNumber: number
  headers: Record<string, string>
}

export interface UploadedPart {
  partNumber: number
  etag: string
}

/** Uploads whose parts the client sends to the object store itself. */
export interface MultipartUploads {
  create(path: string, numParts: number): Promise<{ uploadId: string; credentials: UploadCredential[] }>
  complete(path: string, uploadId: string, parts: readonly UploadedPart[]): Promise<void>
  abort(path: string, uploadId: string): Promise<void>
}

export interface PresignedUrl {
  url: string
  /** Headers the client must send along. */
  headers: Record<string, string>
}

/** Links with which a client reaches the object store itself, for a limited time. */
export interface Presigning {
  download(path: string, expiresSeconds: number): Promise<PresignedUrl & { totalBytes: number }>
  upload(path: string, expiresSeconds: number): Promise<PresignedUrl>
}

/**
 * Files under one root. Paths are relative and use slashes. Every method refuses a path that leaves the root
 * with INVALID_PARAMETER_VALUE "Invalid path"; reading what is not there is RESOURCE_DOES_NOT_EXIST.
 */
export interface ArtifactStore {
  /** Tries whether files can be stored here at all. @throws Error that says why not */
  check(): Promise<void>
  /** What lies directly in a folder, by path; empty for a file and for what does not exist. */
  list(path?: string): Promise<FileInfo[]>
  /** @throws DirectoryError for a folder */
  stat(path: string): Promise<ArtifactStat>
  /** @throws DirectoryError for a folder */
  open(path: string, range?: ByteRange): Promise<OpenArtifact>
  /**
   * Writes or replaces a file. It is visible only once all of it arrived; a stream that fails, or that is
   * shorter than `sizeBytes`, leaves what was there before.
   */
  write(path: string, stream: Readable, options?: { sizeBytes?: number }): Promise<void>
  /** Deletes a file or a folder with all it holds; nothing to delete is no error. Never the root itself. */
  delete(path: string): Promise<void>
  /** How many files `delete` would delete: 1 for a file, 0 for what does not exist. */
  count(path: string): Promise<number>
  multipart?: MultipartUploads
  presigning?: Presigning
}

/** The path is a folder where a file is wanted. */
export class DirectoryError extends MlflowError {
  constructor(path: string) {
    super('INVALID_PARAMETER_VALUE', `Artifact path refers to a directory, not a file: '${path}'`)
  }
}

export const noSuchArtifact = (path: string) => doesNotExist(`No such artifact: '${path}'`)
export const invalidPath = () => invalidParameter('Invalid path')
export const shortUpload = () => invalidParameter('The upload ended before all of its bytes had arrived.')

/** Longest path that file systems take. */
const MAX_PATH_BYTES = 4096

/**
 * The parts of a relative path, without empty and `.` ones.
 * @throws INVALID_PARAMETER_VALUE when it climbs, is absolute or overlong
 */
export function pathParts(path: string): string[] {
  if (path.startsWith('/') || path.includes('\u0000')) throw invalidPath()
  const parts = path.split('/').filter((part) => part !== '' && part !== '.')
  if (parts.includes('..') || Buffer.byteLength(path) > MAX_PATH_BYTES) throw invalidPath()
  return parts
}

/** Python's order of texts: by code points. */
export function comparePaths(a: FileInfo, b: FileInfo): number {
  return Buffer.compare(Buffer.from(a.path), Buffer.from(b.path))
}
