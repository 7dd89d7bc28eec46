// What stdout is written to: how wide it is, and whether it shows colours.
import type { Environment } from '../config.ts'

const STYLES = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
}
export type Style = keyof typeof STYLES

export interface Terminal {
  /** In columns; undefined where there is no terminal: then nothing is cut or left out. */
  width: number | undefined
  /** The text in that style, or as it is where no colours are shown. */
  paint: (text: string, style: Style | undefined) => string
}

/** The terminal of this process's stdout. */
export function terminalOf(env: Environment): Terminal {
  const { isTTY, columns } = process.stdout
  const hasColours = showsColours(env, isTTY === true)
  return {
    // Some terminals, such as those of build servers, do not tell their width.
    width: isTTY ? columns || 80 : undefined,
    paint(text, style) {
      if (!hasColours || style === undefined) return text
      const [begin, end] = STYLES[style]
      return `\u001b[${begin}m${text}\u001b[${end}m`
    },
  }
}

/**
 * FORCE_COLOR goes before NO_COLOR, as in Node.js itself.
 * @see https://no-color.org and https://force-color.org
 */
export function showsColours(env: Environment, isTerminal: boolean): boolean {
  const { FORCE_COLOR: force, NO_COLOR: no, TERM: term } = env
  if (force !== undefined && force !== '') return force !== '0' && force !== 'false'
  if (no !== undefined && no !== '') return false
  return isTerminal && term !== 'dumb'
}
