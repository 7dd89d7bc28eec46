{{- /* Names and labels that all objects share. */ -}}
{{- define "crateflow.name" -}}
{{- if contains "crateflow" .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-crateflow" .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "crateflow.selector" -}}
app.kubernetes.io/name: crateflow
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "crateflow.labels" -}}
{{ include "crateflow.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{- end -}}

{{- define "crateflow.secretName" -}}
{{- .Values.secret.existing | default (include "crateflow.name" .) -}}
{{- end -}}

{{- /* Hosts that clients in the cluster, the ingress and Prometheus name. */ -}}
{{- define "crateflow.allowedHosts" -}}
{{- $name := include "crateflow.name" . -}}
{{- $namespace := .Release.Namespace -}}
{{- $hosts := list $name (printf "%s.%s" $name $namespace) (printf "%s.%s.svc" $name $namespace) (printf "%s.%s.svc.cluster.local" $name $namespace) -}}
{{- $hosts = concat $hosts (list "localhost" "127.0.0.1" "10.*" "172.16.*" "192.168.*") .Values.allowedHosts -}}
{{- if .Values.ingress.enabled -}}
{{- $hosts = append $hosts .Values.ingress.host -}}
{{- end -}}
{{- join "," $hosts -}}
{{- end -}}
