// The tag that makes a prompt of a registered model, and what searches make of it.

export const IS_PROMPT_TAG = 'mlflow.prompt.is_prompt'

/** Whether searches leave out what has this value of the prompt tag: unlike elsewhere, case matters to them. */
export const hidesFromSearch = (value: string | undefined): boolean => value === 'true'
