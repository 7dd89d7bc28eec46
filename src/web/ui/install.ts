// Installs the stock web UI: pip fetches MLflow's wheel, the built UI is taken out of it, checked and compressed.
import { mkdir, mkdtemp, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { compressFiles } from './compress.ts'
import { explainFailure, UiError } from './errors.ts'
import {
  installedUi,
  isReplaceable,
  MANIFEST,
  type Manifest,
  requireSpoken,
  type UiFolder,
} from './folder.ts'
import { downloadWheel } from './pip.ts'
import { extractUi, sha256Of } from './wheel.ts'

/** SHA-256 of wheels that are known. pip checks all others against its index alone. */
const WHEELS: Readonly<Record<string, string>> = {
  '3.17.2': '4e44c03791beb518d8b0a40b0982d958c2634d902f46d67d7907c82107f21fac',
}

/** Leftovers of installations that were killed are removed after so long. */
const STALE_MS = 60 * 60 * 1000
/** How often, and after which pause, to try again when others swap the same folder. */
const ATTEMPTS = 40
const PAUSE_MS = 50

export interface InstallOptions {
  /** Of the UI, such as 3.17.2. */
  version: string
  /** The MLflow version of this server. */
  speaks: string
  /** Where the UI goes. */
  folder: string
  /** Install even if the version is there already. */
  force?: boolean
  python?: string
  signal?: AbortSignal
  /** Told what happens, in a few words. */
  progress: (step: string) => void
}

/**
 * Installs the UI of a version into a folder, whole or not at all. Several may do so at once.
 * @returns the folder, and whether something was installed
 * @throws UiError when the UI cannot be had, or when the folder holds something else
 */
export async function installUi(options: InstallOptions): Promise<{ ui: UiFolder; isNew: boolean }> {
  const { version, speaks, force = false } = options
  const folder = resolve(options.folder)
  requireSpoken(version, speaks)
  const present = await installedUi(folder, speaks)
  if (present?.version === version && !force) return { ui: present, isNew: false }
  if (!(await isReplaceable(folder))) {
    throw new UiError(`${folder} holds something else than an installed web UI. Name an empty folder.`)
  }
  try {
    await mkdir(dirname(folder), { recursive: true })
    await removeStale(folder)
    const work = await mkdtemp(`${folder}.tmp-`)
    try {
      const built = await build(work, options)
      options.signal?.throwIfAborted()
      await putInPlace(built, work, { ...options, folder })
    } finally {
      await rm(work, { recursive: true, force: true })
    }
  } catch (error) {
    throw explainFailure(error, folder)
  }
  return { ui: await openInstalled(folder, speaks), isNew: true }
}

/** Another installation may be swapping the folder at the moment. */
async function openInstalled(folder: string, speaks: string): Promise<UiFolder> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const ui = await installedUi(folder, speaks)
    if (ui) return ui
    await sleep(PAUSE_MS)
  }
  throw new UiError(`The web UI in ${folder} was removed while it was installed.`)
}

/** Makes the whole folder of the UI below `work`. */
async function build(work: string, options: InstallOptions): Promise<string> {
  const { version, python, signal, progress } = options
  const [downloads, built] = [join(work, 'wheel'), join(work, 'ui')]
  await Promise.all([mkdir(downloads), mkdir(built)])
  progress(`fetching the wheel of MLflow ${version} with pip`)
  const wheel = await downloadWheel(version, { folder: downloads, python, signal })
  const sha256 = await sha256Of(wheel)
  if (WHEELS[version] !== undefined && WHEELS[version] !== sha256) {
    throw new UiError(`The wheel of MLflow ${version} is not the known one: its SHA-256 is ${sha256}.`)
  }
  const files = await extractUi(wheel, built)
  signal?.throwIfAborted()
  progress(`compressing ${files.length} files`)
  await compressFiles(built, files, signal)
  const manifest: Manifest = { version, wheel_sha256: sha256, files: files.length }
  await writeFile(join(built, MANIFEST), `${JSON.stringify(manifest)}\n`)
  return built
}

/** Swaps the folder in. Who comes second leaves the first's, which holds the same, unless it was forced. */
async function putInPlace(built: string, work: string, options: InstallOptions): Promise<void> {
  const { folder, version, speaks, force = false } = options
  for (let attempt = 0; ; attempt++) {
    try {
      return await rename(built, folder)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code ?? ''
      if (!['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(code) || attempt === ATTEMPTS) throw error
      const present = await installedUi(folder, speaks)
      if (present?.version === version && !force) return
    }
    await rename(folder, join(work, `old-${attempt}`)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error
    })
  }
}

async function removeStale(folder: string): Promise<void> {
  const parent = dirname(folder)
  const names = (await readdir(parent)).filter((name) => name.startsWith(`${basename(folder)}.tmp-`))
  for (const name of names) {
    const path = join(parent, name)
    const found = await stat(path).catch(() => undefined)
    if (found && Date.now() - found.mtimeMs > STALE_MS) await rm(path, { recursive: true, force: true })
  }
}
