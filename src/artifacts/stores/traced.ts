// Tells what a request does to an artifact store in its trace: the operation and how long it took, no names of files.
import { activeSpan, inSpan } from '../../platform/active-span.ts'
import type { ArtifactStore } from './store.ts'

/** The store, whose operations are told. An opened or written file takes until it is open, or written. */
export function traceStore(store: ArtifactStore, kind: 'file' | 's3'): ArtifactStore {
  const traced =
    <Args extends unknown[], Answer>(operation: string, work: (...args: Args) => Promise<Answer>) =>
    (...args: Args): Promise<Answer> => {
      const attributes = { 'crateflow.artifacts.store': kind, 'crateflow.artifacts.operation': operation }
      const span = activeSpan()?.begin(
        `artifacts ${operation}`,
        kind === 's3' ? 'client' : 'internal',
        attributes,
      )
      return inSpan(span, work(...args))
    }
  const { multipart, presigning } = store
  return {
    check: traced('check', store.check),
    list: traced('list', store.list),
    stat: traced('stat', store.stat),
    open: traced('open', store.open),
    write: traced('write', store.write),
    delete: traced('delete', store.delete),
    count: traced('count', store.count),
    ...(multipart && {
      multipart: {
        create: traced('create-multipart', multipart.create),
        complete: traced('complete-multipart', multipart.complete),
        abort: traced('abort-multipart', multipart.abort),
      },
    }),
    ...(presigning && {
      presigning: {
        download: traced('presign-download', presigning.download),
        upload: traced('presign-upload', presigning.upload),
      },
    }),
  }
}
