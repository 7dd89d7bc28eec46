// How object stores are reached, in the words of their wing.
import type { ArtifactConfig } from '../config.ts'

export const s3Options = (artifacts: ArtifactConfig) => ({
  endpoint: artifacts.s3Endpoint ?? artifacts.mlflowS3Endpoint,
  region: artifacts.awsRegion ?? artifacts.awsDefaultRegion,
  ignoreTls: artifacts.ignoreTls,
  expectedBucketOwner: artifacts.expectedBucketOwner,
  uploadExtraArgs: artifacts.uploadExtraArgs,
})
