{{- /* What things are called, and by which labels they are found. */ -}}

{{- define "ticketing.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 38 | trimSuffix "-" }}
{{- end }}

{{- /* Short enough for every suffix that the chart adds. */ -}}
{{- define "ticketing.fullname" -}}
{{- $name := include "ticketing.name" . }}
{{- $usual := ternary .Release.Name (printf "%s-%s" .Release.Name $name) (contains $name .Release.Name) }}
{{- default $usual .Values.fullnameOverride | trunc 38 | trimSuffix "-" }}
{{- end }}

{{- /* What selects pods of a component, for ever: {root, component}. */ -}}
{{- define "ticketing.selector" -}}
app.kubernetes.io/name: {{ include "ticketing.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{- /* Labels of objects: {root, component}. */ -}}
{{- define "ticketing.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: ticketing
{{ include "ticketing.selector" . }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Labels of pods: {root, component, more}. No version among them, or each release would restart pods that stay as they are. */ -}}
{{- define "ticketing.podLabels" -}}
{{- $labels := include "ticketing.selector" . | fromYaml }}
{{- merge $labels (.more | default dict) .root.Values.commonLabels | toYaml }}
{{- end }}

{{- define "ticketing.image" -}}
{{- with .Values.image }}
{{- $repository := ternary (printf "%s/%s" .registry .repository) .repository (ne .registry "") }}
{{- if .digest }}{{ $repository }}@{{ .digest }}{{ else }}{{ $repository }}:{{ default $.Chart.AppVersion .tag }}{{ end }}
{{- end }}
{{- end }}

{{- define "ticketing.serviceAccountName" -}}
{{- $made := ternary (include "ticketing.fullname" .) "default" .Values.serviceAccount.create }}
{{- default $made .Values.serviceAccount.name }}
{{- end }}

{{- define "ticketing.tlsSecret" -}}
{{- default (printf "%s-tls" (include "ticketing.fullname" .)) .Values.tls.existingSecret }}
{{- end }}

{{- /* Where servers are called from inside the cluster. */ -}}
{{- define "ticketing.address" -}}
{{ ternary "https" "http" .Values.tls.enabled }}://{{ include "ticketing.fullname" . }}.{{ .Release.Namespace }}.svc:{{ .Values.service.port }}
{{- end }}

{{- /* Whether NATS is told: "true" or nothing. */ -}}
{{- define "ticketing.hasNats" -}}
{{- if or .Values.nats.url .Values.nats.keys.url }}true{{ end }}
{{- end }}
