// Artifacts of a move: which stores they lie in, there and here.
import { join, resolve } from 'node:path'
import { proxiedDestinationPath } from '../artifacts/paths.ts'
import { createStoreOpener } from '../artifacts/stores/open-store.ts'
import { type ArtifactConfig, type MoveConfig, silenceAwsSdk } from '../config.ts'
import { ARTIFACTS } from '../moving/archive/format.ts'
import { type ArtifactDeps, copyArtifacts, type Files } from '../moving/artifacts.ts'
import { type Relocation, relocated, relocationsOf } from '../moving/locations.ts'
import { openRemoteFiles } from '../moving/mlflow/remote-files.ts'
import type { Source } from '../moving/source.ts'
import { appendToUriPath, parseUri, resolveUriIfLocal } from '../platform/wire/uri.ts'
import { EXIT } from './errors.ts'
import { print } from './print.ts'
import { s3Options } from './storage.ts'

export interface ArtifactPlaces {
  config: MoveConfig
  artifacts: ArtifactConfig
  /** Where locations of the scheme mlflow-artifacts of the source lie: a folder, s3://… or the server that has them. */
  artifactsFrom?: string | undefined
}

export interface ArtifactMove extends ArtifactPlaces {
  source: Source
  /** The archive that the source is. */
  archive?: string | undefined
  /** The source is a folder of files, whose artifacts lie among what it says of runs. */
  isAmongFiles?: boolean
  isDryRun: boolean
  /**
   * Moves the rows, with locations as they are afterwards, and calls `copyFiles` once nothing stands in their way.
   * @returns the exit code
   */
  move: (relocated: Source, copyFiles?: () => Promise<void>) => Promise<number>
}

/** Copies files first, so that rows name what is there. @returns 1 when rows differ, or a file could not be copied */
export async function moveWithArtifacts(options: ArtifactMove): Promise<number> {
  const { source, config, archive, isAmongFiles, isDryRun } = options
  const { openAt, openLocation } = openers(options)
  const root = resolveUriIfLocal(config.defaultArtifactRoot ?? 'mlflow-artifacts:/', process.cwd())
  const relocations = await relocationsOf(source, root)
  if (isDryRun) return options.move(relocated(source, relocations))
  let isCopied = false
  const code = await options.move(relocated(source, relocations), async () => {
    isCopied = await copyAndTell({
      relocations,
      openSource: (one) => (archive === undefined ? openLocation(one.from) : openAt(inArchive(archive, one))),
      openStore: ({ to }) => openAt(isProxied(to) ? below(config.artifactsDestination, to) : to),
      ...(isAmongFiles && { isWanted: isArtifact }),
    })
  })
  return isCopied ? code : EXIT.failure
}

/** Copies the files of all experiments into an archive. @returns whether all could be copied */
export async function exportArtifacts(
  options: ArtifactPlaces & { source: Source; folder: string },
): Promise<boolean> {
  const { openAt, openLocation } = openers(options)
  return copyAndTell({
    relocations: await relocationsOf(options.source, ''),
    openSource: ({ from }) => openLocation(from),
    openStore: (one) => openAt(inArchive(options.folder, one)),
  })
}

async function copyAndTell(deps: ArtifactDeps): Promise<boolean> {
  const copied = await copyArtifacts(deps)
  print(`Artifacts: ${copied.files} files copied (${copied.bytes} bytes), ${copied.kept} were there`)
  for (const failure of copied.failures) print(`  not copied: ${failure}`)
  return copied.failures.length === 0
}

function openers({ artifacts, artifactsFrom }: ArtifactPlaces) {
  silenceAwsSdk()
  const openAt = createStoreOpener(s3Options(artifacts))
  return { openAt, openLocation: (location: string) => openSource(location, artifactsFrom, openAt) }
}

const inArchive = (folder: string, { experimentId }: Relocation) =>
  resolve(join(folder, ARTIFACTS, experimentId))

/** Of the folder of an experiment: what is in `artifacts` of its runs, models and traces. */
const isArtifact = (path: string): boolean =>
  !/^(tags|datasets)(\/|$)/.test(path) &&
  /^(?:(?:models|traces)(?:\/[^/]+(?:\/artifacts(?:\/.*)?)?)?|[^/.]+(?:\/artifacts(?:\/.*)?)?)$/.test(path)

const isProxied = (location: string) =>
  ['mlflow-artifacts', 'http', 'https'].includes(parseUri(location).scheme)

/** The location below a served root that a proxied one means. */
const below = (root: string, location: string) =>
  appendToUriPath(resolveUriIfLocal(root, process.cwd()), proxiedDestinationPath(location))

/** @throws Error for a location that only its server reaches */
function openSource(location: string, from: string | undefined, openAt: (uri: string) => Files): Files {
  if (!isProxied(location)) return openAt(resolveUriIfLocal(location, process.cwd()))
  const path = proxiedDestinationPath(location)
  if (from === undefined)
    throw new Error(
      'say where that server keeps its artifacts: --artifacts-from with a folder, s3://… or http://server',
    )
  return /^https?:/.test(from) ? openRemoteFiles(from, path) : openAt(below(from, location))
}
