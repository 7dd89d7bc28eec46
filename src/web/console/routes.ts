// Serves the console, the pages of our own: one page at /crateflow and every address below it, and its files.
import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { ConsoleFolder } from './folder.ts'

const FOREVER = 'public, max-age=31536000, immutable'
const PAGE = '/crateflow'

/** Mounts the console. Its files are answered from the list of the folder alone, compressed as the browser likes. */
export async function registerConsole(
  app: FastifyInstance,
  { folder, hasUi }: { folder: ConsoleFolder; hasUi: boolean },
): Promise<void> {
  // Its link to the web UI is there where that is.
  const page = hasUi ? folder.page.replace('<html', '<html data-ui') : folder.page
  const sendPage = (reply: FastifyReply, path: string) =>
    reply
      .header('cache-control', 'no-cache')
      .type('text/html; charset=utf-8')
      .send(page.replace('<head>', `<head>\n    <base href="${baseOf(path)}">`))

  await app.register(async (scope) => {
    await scope.register(fastifyStatic, { serve: false, preCompressed: true, cacheControl: false })

    scope.get(PAGE, { schema: { hide: true } }, (_request, reply) => sendPage(reply, PAGE))
    scope.get(`${PAGE}/*`, { schema: { hide: true }, logLevel: 'warn' }, (request, reply) => {
      const path = (request.params as { '*': string })['*']
      if (folder.files.has(path)) {
        return reply
          .header('vary', [reply.getHeader('vary'), 'accept-encoding'].filter(Boolean).join(', '))
          .header('cache-control', path.startsWith('assets/') ? FOREVER : 'no-cache')
          .sendFile(path, folder.path)
      }
      // Names of files have a dot in them, addresses of pages have none.
      if (path.includes('.')) return reply.callNotFound()
      return sendPage(reply, request.url.split('?', 1)[0] ?? PAGE)
    })
  })
}

/**
 * The console's folder as seen from the address of a page in it: `crateflow/` of /crateflow, `./` of /crateflow/lifecycle, `../` of
 * /crateflow/lifecycle/audit. So it is right below any path that a proxy or --static-prefix puts in front.
 */
function baseOf(path: string): string {
  const depth = path.split('/').length - PAGE.split('/').length
  if (depth === 0) return `${PAGE.slice(1)}/`
  return depth === 1 ? './' : '../'.repeat(depth - 1)
}
