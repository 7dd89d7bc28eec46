// Traces: the same requests to stock MLflow and to this server.
import { describeDifferential } from './suite.ts'
import { instrumentationCases } from './traces-instrumentations.cases.ts'
import { linkCases } from './traces-links.cases.ts'
import { metricsCases } from './traces-metrics.cases.ts'
import { otlpCases } from './traces-otlp.cases.ts'
import { searchTracesCases } from './traces-search.cases.ts'
import { writingCases } from './traces-writing.cases.ts'

describeDifferential('takes spans by OTLP', otlpCases)
describeDifferential('writes traces', writingCases)
describeDifferential('searches traces', searchTracesCases)
describeDifferential('asks of many traces', metricsCases)
describeDifferential('links traces', linkCases)
describeDifferential('takes spans of other instrumentations', instrumentationCases)
