// Rules for tags of experiments.
import { invalidParameter } from '../../errors.ts'
import * as limits from '../../platform/wire/limits.ts'
import { checkKey, checkLength } from '../../platform/wire/names.ts'

export type Tag = { key: string; value: string }
export type TagInput = { key?: string | undefined; value?: string | undefined }

const CUSTOM_VIEW_PREFIX = 'mlflow.customView.view'

/** The UI keeps a view of its charts as a tag. */
export const isCustomView = (key: string): boolean => key.startsWith(CUSTOM_VIEW_PREFIX)

/** @throws INVALID_PARAMETER_VALUE */
export function checkTag({ key, value }: Tag): void {
  checkLength('key', limits.MAX_EXPERIMENT_TAG_KEY_LENGTH, checkKey(key, 'key'))
  checkLength('value', limits.MAX_EXPERIMENT_TAG_VALUE_LENGTH, value)
}

/** @throws INVALID_PARAMETER_VALUE when a new experiment has too many views */
export function checkViews(tags: readonly Tag[]): void {
  const views = tags.filter(({ key }) => isCustomView(key))
  if (views.length > limits.MAX_CUSTOM_VIEWS_PER_EXPERIMENT) throw tooManyViews()
}

export const tooManyViews = (experimentId?: string) =>
  invalidParameter(
    `Unable to create another custom view${experimentId ? ` for experiment ${experimentId}` : ''}; the maximum number of custom views per experiment is ${limits.MAX_CUSTOM_VIEWS_PER_EXPERIMENT}. Delete an existing custom view before creating a new one.`,
  )
