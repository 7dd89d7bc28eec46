// What the app is told of artifacts, as the settings have it.
import type { ArtifactConfig, ServerConfig } from '../config.ts'

type StorageConfig = Pick<
  ServerConfig,
  'defaultArtifactRoot' | 'artifactsDestination' | 'serveArtifacts' | 'artifactsOnly'
>

/** Dependencies of `buildApp`. */
export async function storageDeps(config: StorageConfig, artifacts: ArtifactConfig) {
  const { createLocationPolicy } = await import('../artifacts/stores/locations.ts')
  const { resolveUriIfLocal } = await import('../platform/wire/uri.ts')
  const root = config.defaultArtifactRoot ?? 'mlflow-artifacts:/'
  const defaultArtifactRoot = resolveUriIfLocal(root, process.cwd())
  return {
    defaultArtifactRoot,
    locations: createLocationPolicy({
      allowedSchemes: artifacts.allowedSchemes,
      allowedFolders: artifacts.allowedFolders,
      configured: [defaultArtifactRoot, config.artifactsDestination],
      maxLength: artifacts.locationMaxLength,
      modelSources: artifacts.modelSources,
    }),
    artifacts: {
      destination: config.serveArtifacts ? config.artifactsDestination : undefined,
      only: config.artifactsOnly,
      s3: s3Options(artifacts),
      presignedDownloadSeconds: artifacts.presignedDownloadSeconds,
    },
  }
}

export const s3Options = (artifacts: ArtifactConfig) => ({
  endpoint: artifacts.s3Endpoint ?? artifacts.mlflowS3Endpoint,
  region: artifacts.awsRegion ?? artifacts.awsDefaultRegion,
  ignoreTls: artifacts.ignoreTls,
  expectedBucketOwner: artifacts.expectedBucketOwner,
  uploadExtraArgs: artifacts.uploadExtraArgs,
})
