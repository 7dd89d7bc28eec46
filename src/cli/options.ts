// Turns the settings of a configuration schema into commander's options and reads them back.
import { type Command, InvalidArgumentError, Option } from 'commander'
import { z } from 'zod'
import type { Flags } from '../config.ts'
import { longFlag, type Setting, settingOf } from '../settings.ts'

const defaultOf = (type: unknown): unknown =>
  type instanceof z.ZodDefault ? type.def.defaultValue : undefined

/** The explanation of a setting as `--help` shows it: text, default, environment variable. */
function explain(setting: Setting, type: unknown): string {
  const value = defaultOf(type)
  const shown = typeof value === 'boolean' || value === undefined ? '' : ` (default: ${String(value)})`
  return `${setting.help}${shown} [${setting.env}]`
}

/** In the order of `--help`. */
const GROUPS: readonly Setting['group'][] = ['Storage', 'Network', 'Web UI', 'Security', 'Operation']

/** Adds an option for each setting that has a flag, grouped; `--no-x` brings the plain `--x` along. */
export function addOptions(command: Command, schema: z.ZodObject): void {
  const declared = Object.values(schema.shape).map((type) => ({ type, setting: settingOf(type) }))
  for (const group of GROUPS) {
    for (const { type, setting } of declared) {
      if (!setting.flags || setting.group !== group) continue
      command.addOption(new Option(setting.flags, explain(setting, type)).helpGroup(`${group}:`))
      const positive = longFlag(setting).replace(/^--no-/, '--')
      if (positive !== longFlag(setting)) command.addOption(new Option(positive).hideHelp())
    }
  }
  command.addHelpOption(new Option('--help', 'Show this text.').helpGroup('Operation:'))
}

/** The flags that were given, by field of the schema. */
export function givenFlags(command: Command, schema: z.ZodObject): Flags {
  const flags: Record<string, string | boolean> = {}
  for (const [field, type] of Object.entries(schema.shape)) {
    const setting = settingOf(type)
    if (!setting.flags) continue
    const name = attributeOf(setting)
    if (command.getOptionValueSource(name) === 'cli') flags[field] = command.getOptionValue(name)
  }
  return flags
}

/** Commander's name for an option: `--no-serve-artifacts` is the false of `serveArtifacts`. */
const attributeOf = (setting: Setting) => new Option(setting.flags ?? '').attributeName()

/** Reads the value of an option that is no setting. @throws InvalidArgumentError */
export const whole =
  (least: number) =>
  (text: string): number => {
    const value = Number(text)
    if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < least)
      throw new InvalidArgumentError(`It must be a whole number from ${least} on.`)
    return value
  }
