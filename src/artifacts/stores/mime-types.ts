// Content types of artifacts by their names, as Python's mimetypes module and MLflow's list of texts give them.
import { lookup } from 'mime-types'
import { baseName } from '../../platform/wire/uri.ts'

/** Shown as plain text, so that browsers preview instead of interpret. @see mlflow/utils/mime_type_utils.py */
const TEXT_EXTENSIONS = new Set(
  'txt log err cfg conf cnf cf ini properties prop hocon toml yaml yml xml json js py py3 csv tsv md rst ipynb MLmodel mlproject'.split(
    ' ',
  ),
)

/** Where Python's table differs from the registry behind `mime-types`. */
const PYTHON_TYPES: Record<string, string> = {
  '.js': 'application/javascript',
  '.mjs': 'application/javascript',
  '.a': 'application/octet-stream',
  '.dll': 'application/octet-stream',
  '.exe': 'application/octet-stream',
  '.o': 'application/octet-stream',
  '.obj': 'application/octet-stream',
  '.h5': 'application/x-hdf5',
  '.pyc': 'application/x-python-code',
  '.pyo': 'application/x-python-code',
  '.rdf': 'application/xml',
  '.wsdl': 'application/xml',
  '.3gp': 'audio/3gpp',
  '.3gpp': 'audio/3gpp',
  '.3g2': 'audio/3gpp2',
  '.3gpp2': 'audio/3gpp2',
  '.opus': 'audio/opus',
  '.wav': 'audio/x-wav',
  '.bat': 'text/plain',
  '.c': 'text/plain',
  '.h': 'text/plain',
  '.ksh': 'text/plain',
  '.pl': 'text/plain',
  '.srt': 'text/plain',
  '.py': 'text/x-python',
  '.xml': 'text/xml',
}

const SUFFIXES: Record<string, string> = {
  '.svgz': '.svg.gz',
  '.tgz': '.tar.gz',
  '.taz': '.tar.gz',
  '.tz': '.tar.gz',
  '.tbz2': '.tar.bz2',
  '.txz': '.tar.xz',
}

const ENCODINGS: Record<string, string> = {
  '.gz': 'gzip',
  '.Z': 'compress',
  '.bz2': 'bzip2',
  '.xz': 'xz',
  '.br': 'br',
}

/** The name and its last extension with the dot; leading dots start no extension. @see os.path.splitext */
function splitExtension(name: string): [string, string] {
  const at = name.lastIndexOf('.')
  return at > 0 && /[^.]/.test(name.slice(0, at)) ? [name.slice(0, at), name.slice(at)] : [name, '']
}

/**
 * The type and the compression of a file by its name: `a.tar.gz` is `application/x-tar`, gzip.
 * @see Python's mimetypes.guess_type
 */
export function guessType(path: string): { type: string | undefined; encoding: string | undefined } {
  let [base, extension] = splitExtension(baseName(path))
  const whole = SUFFIXES[extension.toLowerCase()]
  if (whole) [base, extension] = splitExtension(base + whole)
  const encoding = ENCODINGS[extension]
  if (encoding) extension = splitExtension(base)[1]
  extension = extension.toLowerCase()
  const type = PYTHON_TYPES[extension] ?? (extension === '' ? undefined : lookup(extension) || undefined)
  return { type, encoding }
}

/**
 * The content type an artifact is sent with; `application/octet-stream` when its name tells none.
 * @see mlflow/utils/mime_type_utils.py _guess_mime_type
 */
export function guessMimeType(path: string): string {
  const name = baseName(path)
  const extension = splitExtension(name)[1].replaceAll('.', '') || name
  if (TEXT_EXTENSIONS.has(extension)) return 'text/plain'
  return guessType(name).type ?? 'application/octet-stream'
}
