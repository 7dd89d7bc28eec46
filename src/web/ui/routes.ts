// Serves the web UI: its page at /, its files at /static-files/.
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { fetchingPage, unavailablePage } from './pages.ts'
import type { UiSource } from './source.ts'

/** A file whose name changes with its content, such as `main.c2f5f8d4.js`. */
const HASHED = /\.[0-9a-f]{8,}\./
const FOREVER = 'public, max-age=31536000, immutable'

export interface UiOptions {
  ui: UiSource
  /** Path in front of every path; empty for none. */
  staticPrefix: string
}

/**
 * Mounts the UI. Requests for files are answered from the list of the folder alone, compressed as the browser likes.
 * @see mlflow/server/__init__.py serve, serve_static_file
 */
export async function registerUi(app: FastifyInstance, { ui, staticPrefix }: UiOptions): Promise<void> {
  await app.register(async (scope) => {
    await scope.register(fastifyStatic, { serve: false, preCompressed: true, cacheControl: false })

    scope.get('/', { schema: { hide: true } }, async (request, reply) => {
      const [path, query] = request.originalUrl.split('?', 2)
      // The page loads its files by relative addresses, which need the slash.
      if (staticPrefix && path === staticPrefix) {
        return reply.redirect(`${staticPrefix}/${query === undefined ? '' : `?${query}`}`, 308)
      }
      const state = await ui.current()
      if (state.kind === 'ready') {
        return varying(reply).header('cache-control', 'no-cache').sendFile('index.html', state.folder.path)
      }
      return sendPage(reply, state.kind === 'fetching' ? fetchingPage() : unavailablePage(state.reason))
    })

    scope.get('/static-files/*', { schema: { hide: true }, logLevel: 'warn' }, async (request, reply) => {
      const state = await ui.current()
      const path = (request.params as { '*': string })['*']
      if (state.kind !== 'ready' || !state.folder.files.has(path)) return reply.callNotFound()
      return varying(reply)
        .header('cache-control', HASHED.test(path) ? FOREVER : 'no-cache')
        .sendFile(path, state.folder.path)
    })
  })
}

/** Caches keep a file apart for each encoding. */
const varying = (reply: FastifyReply) =>
  reply.header('vary', [reply.getHeader('vary'), 'accept-encoding'].filter(Boolean).join(', '))

const sendPage = (reply: FastifyReply, html: string) =>
  reply.header('cache-control', 'no-store').type('text/html; charset=utf-8').send(html)
