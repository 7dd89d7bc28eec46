// The settings of `crateflow gc`, apart from the command, which is loaded when it runs.
import { ClientConfigSchema } from '../client-config.ts'
import { DatabaseConfigSchema, ServerConfigSchema } from '../config.ts'

/** Settings of `gc`: of a server that it asks, or of a store that it opens itself. */
export const GcConfigSchema = DatabaseConfigSchema.extend({
  artifactsDestination: ServerConfigSchema.shape.artifactsDestination,
  defaultArtifactRoot: ServerConfigSchema.shape.defaultArtifactRoot,
  trackingUri: ClientConfigSchema.shape.trackingUri,
})
