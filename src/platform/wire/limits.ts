// Sizes and counts that MLflow enforces. Lengths are in characters.
// @see mlflow/utils/validation.py

export const MAX_METRICS_PER_BATCH = 1000
export const MAX_PARAMS_TAGS_PER_BATCH = 100
export const MAX_ENTITIES_PER_BATCH = 1000
export const MAX_PARAM_VALUE_LENGTH = 6000
export const MAX_TAG_VALUE_LENGTH = 8000
export const MAX_ENTITY_KEY_LENGTH = 250
export const MAX_EXPERIMENT_NAME_LENGTH = 500
export const MAX_EXPERIMENT_TAG_KEY_LENGTH = 250
export const MAX_EXPERIMENT_TAG_VALUE_LENGTH = 20000
export const MAX_CUSTOM_VIEWS_PER_EXPERIMENT = 50
export const MAX_RESULTS_LIMIT = 50000
export const MAX_DATASET_NAME_LENGTH = 500
export const MAX_DATASET_DIGEST_LENGTH = 36
export const MAX_DATASET_SCHEMA_LENGTH = 1048575
export const MAX_DATASET_SOURCE_LENGTH = 65535
export const MAX_DATASET_PROFILE_LENGTH = 16777215
export const MAX_INPUT_TAG_KEY_LENGTH = 255
export const MAX_INPUT_TAG_VALUE_LENGTH = 500
export const MAX_MODEL_ATTRIBUTE_LENGTH = 500
export const MAX_MODEL_KEY_LENGTH = 255
