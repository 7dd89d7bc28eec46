// Joins the services of the model registry.
import type { Events } from '../../events.ts'
import type { Engine } from '../../platform/database/engine.ts'
import type { Clock } from '../../platform/wire/ids.ts'
import { createAliasService } from './aliases.service.ts'
import { createOriginResolver, type LineageDeps, resolveRunsUri } from './lineage.service.ts'
import { requireVersion } from './live-versions.ts'
import { createRegisteredModelService } from './models.service.ts'
import { createRollbackService } from './rollback.service.ts'
import { createStageService } from './stages.service.ts'
import { createVersionCreator, type VersionCreatorDeps } from './version-creation.service.ts'
import { createVersionSearch } from './version-search.service.ts'
import { createModelVersionService } from './versions.service.ts'

export interface ModelRegistryDeps
  extends Pick<LineageDeps, 'getRun' | 'getLoggedModel' | 'validateModelSource'>,
    Pick<VersionCreatorDeps, 'linkVersion'> {
  engine: Engine
  clock: Clock
  events: Events
}

export type ModelRegistry = ReturnType<typeof createModelRegistry>

export function createModelRegistry({ engine, clock, events, ...tracking }: ModelRegistryDeps) {
  const models = createRegisteredModelService({ engine, clock, events })
  const aliases = createAliasService({ engine, clock, events, models })
  const resolveOrigin = createOriginResolver({
    ...tracking,
    models,
    requireVersion: (name, version) => requireVersion(engine, name, version),
    requireByAlias: aliases.requireByAlias,
  })
  const { linkVersion } = tracking
  const versions = {
    create: createVersionCreator({ engine, clock, events, models, resolveOrigin, linkVersion }),
    ...createModelVersionService({ engine, clock, events, models }),
    search: createVersionSearch(engine),
  }
  return {
    models,
    aliases,
    versions,
    rollbacks: createRollbackService({ engine, models, aliases }),
    stages: createStageService({ engine, clock, aliases }),
    /** The root of the artifacts of a version that is not deleted. */
    artifactLocation: async (name: string, version: string) =>
      resolveRunsUri(await versions.downloadUri(name, version), tracking.getRun),
  }
}
