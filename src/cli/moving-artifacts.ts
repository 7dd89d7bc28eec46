// Artifacts of a move: which stores they lie in, there and here.
import { proxiedDestinationPath } from '../artifacts/paths.ts'
import { createStoreOpener } from '../artifacts/stores/open-store.ts'
import { type ArtifactConfig, type MoveConfig, silenceAwsSdk } from '../config.ts'
import { copyArtifacts, type Files } from '../moving/artifacts.ts'
import { relocated, relocationsOf } from '../moving/locations.ts'
import { openRemoteFiles } from '../moving/mlflow/remote-files.ts'
import type { Source } from '../moving/source.ts'
import { appendToUriPath, parseUri, resolveUriIfLocal } from '../platform/wire/uri.ts'
import { EXIT } from './errors.ts'
import { print } from './print.ts'
import { s3Options } from './s3-options.ts'

export interface ArtifactMove {
  source: Source
  config: MoveConfig
  artifacts: ArtifactConfig
  /** Where locations of the scheme mlflow-artifacts lie: a folder, s3://… or the server that has them. */
  artifactsFrom?: string | undefined
  isDryRun: boolean
  /** Moves the rows, with locations as they are afterwards. @returns the exit code */
  move: (relocated: Source) => Promise<number>
}

/** Copies files first, so that rows name what is there. @returns 1 when rows differ, or a file could not be copied */
export async function moveWithArtifacts(options: ArtifactMove): Promise<number> {
  const { source, config, isDryRun } = options
  silenceAwsSdk()
  const root = resolveUriIfLocal(config.defaultArtifactRoot ?? 'mlflow-artifacts:/', process.cwd())
  const relocations = await relocationsOf(source, root)
  const openAt = createStoreOpener(s3Options(options.artifacts))
  const failures: string[] = []
  if (!isDryRun) {
    const copied = await copyArtifacts({
      relocations,
      openSource: (location) => openSource(location, options.artifactsFrom, openAt),
      openStore: (location) =>
        openAt(isProxied(location) ? below(config.artifactsDestination, location) : location),
    })
    failures.push(...copied.failures)
    print(`Artifacts: ${copied.files} files copied (${copied.bytes} bytes), ${copied.kept} were there`)
    for (const failure of failures) print(`  not copied: ${failure}`)
  }
  const code = await options.move(relocated(source, relocations))
  return failures.length > 0 ? EXIT.failure : code
}

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
