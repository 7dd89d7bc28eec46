// The artifacts wing: files of runs, models and whoever asks, in the stores that their locations name.
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { validatePathIsSafe } from './paths.ts'
import { createPresignedLinks, type PresignedLinksDeps } from './presigned-links.service.ts'
import { createArtifactRemoval } from './removal.service.ts'
import { registerArtifactRoutes } from './routes.ts'
import { sendFile } from './send-file.routes.ts'
import { type ArtifactServiceDeps, createArtifactService } from './service.ts'
import { createStoreOpener } from './stores/open-store.ts'
import type { S3Options } from './stores/s3-access.ts'

export interface ArtifactsOptions
  extends Pick<ArtifactServiceDeps, 'destination'>,
    Pick<PresignedLinksDeps, 'presignedDownloadSeconds'> {
  /** Serve artifacts only, no tracking. */
  only: boolean
  s3: S3Options
}

export interface ArtifactsDeps
  extends Omit<ArtifactServiceDeps, 'openStore' | keyof ArtifactsOptions>,
    ArtifactsOptions {}

export function createArtifacts({ only, s3, presignedDownloadSeconds, ...deps }: ArtifactsDeps) {
  const openStore = createStoreOpener(s3)
  const service = createArtifactService({ ...deps, openStore })
  const links = createPresignedLinks({ ...deps, presignedDownloadSeconds, artifacts: service })
  const served = deps.destination === undefined ? undefined : openStore(deps.destination)
  return {
    listInRun: service.listInRun,
    writeText: service.writeText,
    /** Files below artifact roots, for endpoints of other wings. `checkPath` throws what hostile paths are refused with. */
    files: {
      checkPath: validatePathIsSafe,
      send: (request: FastifyRequest, reply: FastifyReply, rootUri: string, path: string) =>
        sendFile(request, reply, service.locateBelow(rootUri, path), 'conditional'),
    },
    /** All files of what is deleted for good. */
    locateDoomed: createArtifactRemoval({ locateBelow: service.locateBelow, openStore }),
    /** What clients may do with the served store past the server. */
    multipart: { uploads: served?.multipart !== undefined, downloads: served?.presigning !== undefined },
    register: (app: FastifyInstance) => registerArtifactRoutes(app, service, links, { artifactsOnly: only }),
  }
}
