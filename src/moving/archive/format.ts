// What an archive is: a manifest, and a file of JSON lines for each table. docs/moving.md describes it for others.
import { z } from 'zod'
import { invalidParameter } from '../../errors.ts'

/** Raised when a reader of the version before could not read what is written. */
export const ARCHIVE_VERSION = 1
export const ARCHIVE_FORMAT = 'crateflow-archive'
export const MANIFEST = 'manifest.json'
export const ARTIFACTS = 'artifacts'

/** Where the rows of a table are, relative to the archive. */
export const fileOf = (table: string): string => `tables/${table}.jsonl`

const ManifestSchema = z.object({
  format: z.literal(ARCHIVE_FORMAT),
  version: z.number().int(),
  /** ISO 8601. */
  created: z.string(),
  /** What it was made of, in words. */
  source: z.string(),
  /** Whether the files of experiments are in it. */
  artifacts: z.boolean(),
  tables: z.array(
    z.object({
      name: z.string(),
      file: z.string(),
      rows: z.number().int(),
      /** Of the file, in hex digits. */
      sha256: z.string(),
      /** Sum over the hashes of rows; see digest.ts. */
      digest: z.string(),
    }),
  ),
})

export type Manifest = z.infer<typeof ManifestSchema>

/** @throws INVALID_PARAMETER_VALUE for what is no manifest, or of a later version */
export function readManifest(json: string): Manifest {
  let value: unknown
  try {
    value = JSON.parse(json)
  } catch {
    throw invalidParameter(`${MANIFEST} is not JSON.`)
  }
  const result = ManifestSchema.safeParse(value)
  if (!result.success) throw invalidParameter(`${MANIFEST} is not the manifest of a ${ARCHIVE_FORMAT}.`)
  if (result.data.version > ARCHIVE_VERSION)
    throw invalidParameter(
      `The archive has version ${result.data.version}; this program reads ${ARCHIVE_VERSION} and earlier ones.`,
    )
  return result.data
}
