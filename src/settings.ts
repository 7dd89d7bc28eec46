// What a setting is, and the types that settings have: the words that config.ts is written in.
import { z } from 'zod'

/** How a setting is given and explained. A setting without a flag comes from the environment alone. */
export interface Setting {
  group: 'Storage' | 'Network' | 'Web UI' | 'Security' | 'Operation'
  /** As commander reads it, such as `-p, --port <n>`; booleans have no value, `--no-x` turns a true one off. */
  flags?: string
  env: string
  help: string
}

/** Describes each field of the configuration schemas. */
export const settings = z.registry<Setting>()

const TRUE = ['true', '1', 'yes', 'y', 'on', 't']
const FALSE = ['false', '0', 'no', 'n', 'off', 'f']

export const text = () => z.string()
/** A boolean, given as a flag or as one of the words above. */
export const flag = (fallback: boolean) =>
  z
    .union([
      z.boolean(),
      z
        .string()
        .toLowerCase()
        .trim()
        .pipe(z.enum([...TRUE, ...FALSE])),
    ])
    .transform((value) => value === true || TRUE.includes(String(value)))
    .default(fallback)
/** A whole number within limits, both included. */
export const whole = (from: number, to: number) =>
  z
    .string()
    .regex(/^\d{1,10}$/, `must be a whole number from ${from} to ${to}`)
    .transform(Number)
    .refine((value) => value >= from && value <= to, `must be a whole number from ${from} to ${to}`)
/** An age such as `30d` or `1d12h`. */
export const age = () =>
  z
    .string()
    .regex(
      /^(?=.)(\d+(\.\d+)?d)?(\d+(\.\d+)?h)?(\d+(\.\d+)?m)?(\d+(\.\d+)?s)?$/,
      'must be an age such as 30d or 1d12h',
    )
/** A regular expression. */
export const pattern = () =>
  z.string().transform((source, context) => {
    try {
      return new RegExp(source, 'u')
    } catch {
      context.addIssue({ code: 'custom', message: 'must be a regular expression' })
      return z.NEVER
    }
  })

/** Entries separated by commas. */
export const list = () =>
  z.string().transform((value) =>
    value
      .split(',')
      .map((entry) => entry.trim())
      .filter(Boolean),
  )

/** A path to stand in front of all paths, such as `/mlflow`. */
export const staticPrefix = () =>
  z
    .string()
    .refine((value) => value.startsWith('/'), "must begin with a '/'")
    .refine((value) => !value.endsWith('/'), "should not end with a '/'")
    .refine((value) => !/[{}?#%\s]/.test(value), 'must be a plain path')

/** Texts by name, as a JSON object. */
export function textByName() {
  return z.string().transform((value, context): Record<string, string> => {
    try {
      return z.record(z.string(), z.string()).parse(JSON.parse(value))
    } catch {
      context.addIssue('must be a JSON object of texts')
      return z.NEVER
    }
  })
}

/** A text that the environment alone gives, about storage. */
export function environmentText(env: string, help: string) {
  return z.string().optional().register(settings, { group: 'Storage', env, help })
}

/** The setting that a schema's field declares. */
export function settingOf(type: unknown): Setting {
  const setting = settings.get(type as z.ZodType)
  if (!setting) throw new Error('A field of a configuration schema has no setting')
  return setting
}

/** `--port` of `-p, --port <n>`. */
export const longFlag = (setting: Setting): string =>
  /--[a-z-]+/.exec(setting.flags ?? '')?.[0] ?? setting.env
