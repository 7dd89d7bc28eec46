// @ts-check
// The files of an embedded database as its thread sees them: when they are synced, so that a power cut takes nothing
// that was acknowledged. PGlite's own NODEFS syncs nothing.
import fs from 'node:fs'
import { dirname } from 'node:path'
import { NodeFS } from '@electric-sql/pglite/nodefs'
import { isSynced, noteSynced } from './pglite-control.mjs'
import { withSharedMemory } from './pglite-program.mjs'

/** A segment of the write-ahead log; `xlogtemp.*`, which becomes one, is none yet. */
const WAL_SEGMENT = /\/pg_wal\/[0-9A-F]{24}$/
/** Files of sorts and joins: nobody needs them after a crash. */
const TEMPORARY = /\/pgsql_tmp\//
const ZEROS = Buffer.alloc(64 * 1024)

/**
 * A folder that keeps what PostgreSQL syncs. The sync of the write-ahead log, which ends every commit, is put off so that others
 * can share it: who reads `walDue` has to sync that file before a commit is acknowledged, and tells so in the control
 * words. Until then no page of a table reaches its file, for PostgreSQL relies on the log being safe before the page is.
 * Folders are synced with the next file after names in them changed, which POSIX demands and PostgreSQL leaves out in places.
 */
export class DurableFiles extends NodeFS {
  /** @type {Int32Array} */
  #control
  /** @type {import('./pglite-cancel.ts').SharedMemory} */
  #memory
  /** The log's file that is to be synced, and how often a sync was asked for. */
  #wal = { nfd: -1, path: '', asked: 0 }
  /** @type {Set<string>} */
  #changedFolders = new Set()

  /** @type {Promise<void>} */
  #made

  /**
   * @param {object} options
   * @param {string} options.folder
   * @param {Promise<void>} options.made resolves when the folder holds a database; PGlite's program loads meanwhile
   * @param {Int32Array} options.control
   * @param {import('./pglite-cancel.ts').SharedMemory} options.memory
   */
  constructor({ folder, made, control, memory }) {
    super(folder)
    this.#made = made
    this.#control = control
    this.#memory = memory
  }

  /** @override PGlite calls it before it looks into the folder. */
  initialSyncFs() {
    return this.#made
  }

  /** What must be synced before the commits so far are safe; undefined when they are. */
  walDue() {
    const { asked, path } = this.#wal
    return this.#isWalSafe() ? undefined : { asked, path }
  }

  /** @override @type {NodeFS['init']} */
  async init(pg, options) {
    return super.init(pg, {
      ...options,
      wasmMemory: /** @type {any} */ (this.#memory),
      preRun: [
        ...(options.preRun ?? []),
        (/** @type {any} */ module) => this.#refine(module.NODEFS),
        (/** @type {any} */ module) => shareMemoryOfLibraries(module.FS),
      ],
    })
  }

  #isWalSafe() {
    return isSynced(this.#control, this.#wal.asked)
  }

  /** Makes the log safe now. */
  #settleWal() {
    if (this.#isWalSafe()) return
    fs.fdatasyncSync(this.#wal.nfd)
    noteSynced(this.#control, this.#wal.asked)
  }

  #settleFolders() {
    for (const folder of this.#changedFolders) syncFolder(folder)
    this.#changedFolders.clear()
  }

  /** @param {number} nfd @param {string} path */
  #putOff(nfd, path) {
    if (nfd !== this.#wal.nfd) this.#settleWal()
    this.#wal = { nfd, path, asked: (this.#wal.asked + 1) | 0 }
  }

  /**
   * Puts what must happen around the operations of the file system.
   * @param {any} nodefs Emscripten's NODEFS of one instance
   */
  #refine(nodefs) {
    const { stream_ops: streams, node_ops: nodes } = nodefs
    const { open, write, close, setattr: setStreamAttributes } = streams
    const { mknod, rename, unlink, rmdir, setattr } = nodes
    /** @param {string} path */
    const changed = (path) => {
      this.#settleWal()
      this.#changedFolders.add(path)
    }
    /** @param {any} parent */
    const changedIn = (parent) => changed(nodefs.realPath(parent))

    Object.assign(streams, {
      /** @param {any} stream */
      open(stream) {
        open(stream)
        const path = nodefs.realPath(stream.node)
        stream.shared.file = { path, isWal: WAL_SEGMENT.test(path), isKept: !TEMPORARY.test(path) }
      },
      write: (
        /** @type {any} */ stream,
        /** @type {Uint8Array} */ buffer,
        /** @type {number} */ offset,
        /** @type {number} */ length,
        /** @type {number} */ position,
      ) => {
        const { isWal, isKept } = stream.shared.file
        // A page of zeros makes room in a file; no log speaks of it yet.
        if (!isWal && isKept && !this.#isWalSafe() && !isZero(buffer, offset, length))
          nodefs.tryFSOperation(() => this.#settleWal())
        return write(stream, buffer, offset, length, position)
      },
      fsync: (/** @type {any} */ stream) =>
        nodefs.tryFSOperation(() => {
          const { path, isWal } = stream.shared.file
          if (isWal) this.#putOff(stream.nfd, path)
          else {
            this.#settleWal()
            fs.fsyncSync(stream.nfd)
          }
          this.#settleFolders()
          return 0
        }),
      close: (/** @type {any} */ stream) => {
        if (stream.nfd === this.#wal.nfd && stream.shared.refcount === 1) {
          nodefs.tryFSOperation(() => this.#settleWal())
          this.#wal.nfd = -1
        }
        close(stream)
      },
    })
    Object.assign(streams, {
      setattr: (/** @type {any} */ stream, /** @type {any} */ attributes) => {
        nodefs.tryFSOperation(() => this.#settleWal())
        setStreamAttributes(stream, attributes)
      },
    })
    Object.assign(nodes, {
      mknod(/** @type {any} */ parent, /** @type {any[]} */ ...rest) {
        changedIn(parent)
        return mknod(parent, ...rest)
      },
      rename(/** @type {any} */ node, /** @type {any} */ folder, /** @type {string} */ name) {
        changed(dirname(nodefs.realPath(node)))
        changedIn(folder)
        rename(node, folder, name)
      },
      unlink(/** @type {any} */ parent, /** @type {string} */ name) {
        changedIn(parent)
        unlink(parent, name)
      },
      rmdir(/** @type {any} */ parent, /** @type {string} */ name) {
        changedIn(parent)
        rmdir(parent, name)
      },
      setattr: (/** @type {any} */ node, /** @type {any} */ attributes) => {
        this.#settleWal()
        setattr(node, attributes)
      },
    })
  }
}

/**
 * Libraries of extensions use the memory that the program has. They are compiled when PostgreSQL wants them, and not at each start as PGlite would.
 * @param {any} files Emscripten's file system
 */
function shareMemoryOfLibraries(files) {
  files.createPreloadedFile = (
    /** @type {string} */ folder,
    /** @type {string} */ name,
    /** @type {Uint8Array} */ bytes,
    /** @type {boolean} */ _canRead,
    /** @type {boolean} */ _canWrite,
    /** @type {() => void} */ done,
  ) => {
    files.mkdirTree(folder)
    files.writeFile(`${folder}/${name}`, withSharedMemory(bytes))
    done()
  }
}

/** @param {Uint8Array} buffer @param {number} offset @param {number} length */
function isZero(buffer, offset, length) {
  if (length > ZEROS.length) return false
  return (
    ZEROS.compare(Buffer.from(buffer.buffer, buffer.byteOffset + offset, length), 0, length, 0, length) === 0
  )
}

/** Makes the names in a folder safe. Windows has no such thing. @param {string} folder */
function syncFolder(folder) {
  if (process.platform === 'win32') return
  let fd
  try {
    fd = fs.openSync(folder, 'r')
    fs.fsyncSync(fd)
  } catch (error) {
    // A folder that is gone is synced with the one above it.
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ENOENT') throw error
  } finally {
    if (fd !== undefined) fs.closeSync(fd)
  }
}
