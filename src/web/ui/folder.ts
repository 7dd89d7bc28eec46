// The folders that built web UIs lie in: where they are by default, and what makes a folder one.
import { readdir, readFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, posix, relative, resolve, sep } from 'node:path'
import { z } from 'zod'
import { UiError } from './errors.ts'

/** A built web UI on disk. */
export interface UiFolder {
  /** Absolute. */
  path: string
  /** What is served: regular files below the folder, as paths with `/`. No dotfiles, no links, no compressed twins. */
  files: ReadonlySet<string>
  /** MLflow's version; undefined for a folder that `ui install` has not made. */
  version: string | undefined
}

/** Written last into a folder that was installed: whoever finds it finds the rest. */
export const MANIFEST = '.crateflow-ui.json'

const ManifestSchema = z.object({
  version: z.string(),
  wheel_sha256: z.string().describe('Of the wheel that the files came from, in hex'),
  files: z.int().describe('How many files the folder holds besides this one and the compressed twins'),
})

export type Manifest = z.output<typeof ManifestSchema>

/** The endings of compressed twins, which lie beside the files that they stand for. */
export const TWIN = /\.(br|gz)$/

/**
 * Where the web UI of a version is kept for this user, by the customs of the platform.
 * @throws UiError for a user without a home folder
 * @see https://specifications.freedesktop.org/basedir-spec/latest/
 */
export function cacheFolder(version: string, env: Readonly<Record<string, string | undefined>>): string {
  return join(cacheRoot(env), 'crateflow', 'ui', version)
}

function cacheRoot(env: Readonly<Record<string, string | undefined>>): string {
  if (env.XDG_CACHE_HOME) return resolve(env.XDG_CACHE_HOME)
  if (process.platform === 'win32' && env.LOCALAPPDATA) return env.LOCALAPPDATA
  const home = homeFolder()
  return process.platform === 'darwin' ? join(home, 'Library', 'Caches') : join(home, '.cache')
}

function homeFolder(): string {
  try {
    return homedir()
  } catch (error) {
    const text =
      'This user has no home folder to keep the web UI in. Set XDG_CACHE_HOME, --ui-dir or --no-ui.'
    throw new UiError(text, { cause: error })
  }
}

/**
 * Opens a folder with a built web UI.
 * @param speaks the MLflow version of this server
 * @throws UiError when it holds none, an incomplete one, or one for another server
 */
export async function openUiFolder(path: string, speaks: string): Promise<UiFolder> {
  const folder = resolve(path)
  const [manifest, files] = await Promise.all([readManifest(folder), listFiles(folder)])
  if (!files.has('index.html')) throw new UiError(`${folder} holds no web UI: it has no index.html.`)
  if (manifest && manifest.files !== files.size) throw new UiError(`The web UI in ${folder} is not complete.`)
  if (manifest) requireSpoken(manifest.version, speaks)
  return { path: folder, files, version: manifest?.version }
}

/**
 * The web UI that was installed into the folder; undefined when there is none that works with this server. What else
 * keeps it from being read, an installation will tell.
 */
export async function installedUi(path: string, speaks: string): Promise<UiFolder | undefined> {
  try {
    const folder = await openUiFolder(path, speaks)
    return folder.version === undefined ? undefined : folder
  } catch {
    return undefined
  }
}

/**
 * Patch releases share their API, others do not.
 * @throws UiError for a version of another minor release than the server speaks
 */
export function requireSpoken(version: string, speaks: string): void {
  const minor = (text: string) => text.split('.').slice(0, 2).join('.')
  if (/^\d+\.\d+\.\d+[\w.]*$/.test(version) && minor(version) === minor(speaks)) return
  throw new UiError(
    `The web UI of MLflow ${version} does not work with this server, which speaks MLflow ${speaks}. Take one of ${minor(speaks)}.x.`,
  )
}

async function readManifest(folder: string): Promise<Manifest | undefined> {
  try {
    return ManifestSchema.parse(JSON.parse(await readFile(join(folder, MANIFEST), 'utf8')))
  } catch (error) {
    if (isAbsent(error)) return undefined
    throw new UiError(`The web UI in ${folder} has a damaged ${MANIFEST}.`, { cause: error })
  }
}

async function listFiles(folder: string): Promise<Set<string>> {
  try {
    // A folder behind a link is not entered, so nothing outside is reached.
    const entries = await readdir(folder, { recursive: true, withFileTypes: true })
    const paths = entries
      .filter((entry) => entry.isFile() && !TWIN.test(entry.name))
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join(posix.sep))
    return new Set(paths.filter((path) => !path.startsWith('.') && !path.includes('/.')))
  } catch (error) {
    if (isAbsent(error)) throw new UiError(`There is no folder ${folder}.`, { cause: error })
    throw error
  }
}

const isAbsent = (error: unknown) =>
  ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')

/** Whether the folder can be replaced by an installation: absent, empty, or made by one. */
export async function isReplaceable(folder: string): Promise<boolean> {
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return [] as string[]
  })
  return names.length === 0 || names.includes(MANIFEST)
}
