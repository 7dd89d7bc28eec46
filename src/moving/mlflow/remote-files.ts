// Artifacts that a running server hands out, below a folder of its artifact store.
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { Files } from '../artifacts.ts'
import { createRest } from './rest.ts'

/** @param root the folder, relative to the root of the server's artifacts */
export function openRemoteFiles(server: string, root: string): Files {
  const rest = createRest(server)
  const whole = (path: string) => [root.replace(/\/+$/, ''), path].filter(Boolean).join('/')
  const spelled = (path: string) => whole(path).split('/').map(encodeURIComponent).join('/')
  return {
    async list(path = '') {
      const query = new URLSearchParams({ path: whole(path) })
      const { files = [] } = await rest.get<{
        files?: { path: string; is_dir: boolean; file_size?: number }[]
      }>(`/api/2.0/mlflow-artifacts/artifacts?${query}`)
      return files.map((file) => ({
        path: [path, file.path].filter(Boolean).join('/'),
        isDir: file.is_dir,
        ...(file.file_size !== undefined && { sizeBytes: Number(file.file_size) }),
      }))
    },
    async open(path) {
      const response = await rest.fetch(`/api/2.0/mlflow-artifacts/artifacts/${spelled(path)}`)
      const sizeBytes = Number(response.headers.get('content-length') ?? Number.NaN)
      const stream = Readable.fromWeb(response.body as ReadableStream)
      return { stream, ...(Number.isNaN(sizeBytes) ? {} : { sizeBytes }) } as {
        stream: Readable
        sizeBytes: number
      }
    },
    write: () => Promise.reject(new Error('a server is read from only')),
  }
}
