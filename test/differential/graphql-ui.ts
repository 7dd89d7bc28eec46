// The documents that the web UI of MLflow 3.17.2 sends, as its Apollo client sends them.

const withTypenames = (document: string) =>
  document.replace(/\}/g, '__typename }').replace(/__typename \}\s*$/, '}')

const METRICS_PARAMS_TAGS = `
  metrics { key value step timestamp }
  params { key value }
  tags { key value }`

const RUN = `
  info { runName status runUuid experimentId artifactUri endTime lifecycleStage startTime userId }
  experiment { experimentId name tags { key value } artifactLocation lifecycleStage lastUpdateTime }
  data { ${METRICS_PARAMS_TAGS} }
  inputs {
    datasetInputs { dataset { digest name profile schema source sourceType } tags { key value } }
    modelInputs { modelId }
  }
  outputs { modelOutputs { modelId step } }`

export const GET_RUN = withTypenames(`
  query GetRun($data: MlflowGetRunInput!) @component(name: "MLflow.ExperimentRunTracking") {
    mlflowGetRun(input: $data) {
      apiError { helpUrl code message }
      run { ${RUN} modelVersions { status version name source } }
    }
  }`)

export const SEARCH_RUNS = withTypenames(`
  query SearchRuns($data: MlflowSearchRunsInput!) {
    mlflowSearchRuns(input: $data) {
      apiError { helpUrl code message }
      runs { ${RUN} modelVersions { version name creationTimestamp status source } }
    }
  }`)

export const GET_EXPERIMENT = withTypenames(`
  query MlflowGetExperimentQuery($input: MlflowGetExperimentInput!)
  @component(name: "MLflow.ExperimentRunTracking") {
    mlflowGetExperiment(input: $input) {
      apiError { code message }
      experiment {
        artifactLocation creationTime effectiveTraceArchivalRetention experimentId lastUpdateTime
        lifecycleStage name tags { key value }
      }
    }
  }`)

export const GET_METRIC_HISTORY = withTypenames(`
  query GetMetricHistoryBulkInterval($data: MlflowGetMetricHistoryBulkIntervalInput!)
  @component(name: "MLflow.ExperimentRunTracking") {
    mlflowGetMetricHistoryBulkInterval(input: $data) {
      metrics { timestamp step runId key value }
      apiError { code message }
    }
  }`)
