{{- /* What pods are made of: how they are held, where connections come from, what the program is told. */ -}}

{{- /* What every pod says: {root, serviceAccountName}. Variables for Services are off, and not only out of tidiness: those of a
Service named ticketing begin with TICKETING_, and the program refuses settings that it does not know. */ -}}
{{- define "ticketing.pod" -}}
serviceAccountName: {{ .serviceAccountName }}
automountServiceAccountToken: false
enableServiceLinks: false
securityContext:
  {{- toYaml .root.Values.podSecurityContext | nindent 2 }}
{{- with .root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- /* What every container of the program says. */ -}}
{{- define "ticketing.container" -}}
image: {{ include "ticketing.image" . }}
imagePullPolicy: {{ .Values.image.pullPolicy }}
securityContext:
  {{- toYaml .Values.securityContext | nindent 2 }}
{{- end }}

{{- /* The keys of a Secret as files of a folder: {secret, keys, folder}. */ -}}
{{- define "ticketing.secretFiles" -}}
{{- if and .secret (join "" (values .keys)) }}
- secret:
    name: {{ .secret }}
    items:
      {{- range $file, $key := .keys }}
      {{- with $key }}
      - {key: {{ . | quote }}, path: {{ $.folder }}/{{ $file }}}
      {{- end }}
      {{- end }}
{{- end }}
{{- end }}

{{- /* The Secrets of a database as files. */ -}}
{{- define "ticketing.databaseFiles" -}}
{{- include "ticketing.secretFiles" (dict "secret" .existingSecret "keys" .keys "folder" "database") }}
{{- include "ticketing.secretFiles" (dict "secret" (default .existingSecret .tls.existingSecret) "keys" .tls.keys "folder" "database") }}
{{- end }}

{{- /* What of a database is no secret, as parameters of its URL: {database, folder}. */ -}}
{{- define "ticketing.databaseParameters" -}}
{{- $parameters := list }}
{{- range $name := list "host" "port" "user" "dbname" }}
{{- with get $.database $name }}
{{- $parameters = append $parameters (printf "%s=%s" $name (urlquery .)) }}
{{- end }}
{{- end }}
{{- with .database.tls.mode }}
{{- $parameters = append $parameters (printf "sslmode=%s" .) }}
{{- end }}
{{- range $name, $key := .database.tls.keys }}
{{- if $key }}
{{- $parameters = append $parameters (printf "%s=%s/database/%s" $name $.folder $name) }}
{{- end }}
{{- end }}
{{- join "&" $parameters }}
{{- end }}

{{- /* The volumes for connections: {name, files}. */ -}}
{{- define "ticketing.connectionVolumes" -}}
- name: {{ .name }}-secrets
  projected:
    defaultMode: 0440
    sources:
      {{- trim .files | default "[]" | nindent 6 }}
{{- end }}

{{- define "ticketing.connectionMounts" -}}
- {name: {{ . }}-secrets, mountPath: /etc/ticketing/{{ . }}, readOnly: true}
{{- end }}

{{- /* Where the program finds its database: {name, database}. What is secret stands in files alone. */ -}}
{{- define "ticketing.databaseEnv" -}}
{{- $folder := printf "/etc/ticketing/%s" .name }}
- {name: TICKETING_DATABASE_URL, value: {{ printf "postgres:///?%s" (include "ticketing.databaseParameters" (dict "database" .database "folder" $folder)) | quote }}}
{{- if and .database.existingSecret (join "" (values .database.keys)) }}
- {name: TICKETING_DATABASE_SECRETS, value: {{ $folder }}/database}
{{- end }}
{{- end }}

{{- /* The database of the migrations, as YAML. */ -}}
{{- define "ticketing.migrationDatabase" -}}
{{- with .Values.migrations.database }}
{{- ternary . $.Values.database (or (ne .existingSecret "") (ne .host "")) | toYaml }}
{{- end }}
{{- end }}

{{- /* What brings the schema up to date, in its Job or in every pod. */ -}}
{{- define "ticketing.migrationVolumes" -}}
{{- $files := include "ticketing.databaseFiles" (include "ticketing.migrationDatabase" . | fromYaml) }}
{{- include "ticketing.connectionVolumes" (dict "name" "migration" "files" $files) }}
{{- end }}

{{- define "ticketing.migrationContainer" -}}
- name: migrate
  {{- include "ticketing.container" . | nindent 2 }}
  args: [migrate]
  env:
    {{- include "ticketing.databaseEnv" (dict "name" "migration" "database" (include "ticketing.migrationDatabase" . | fromYaml)) | trim | nindent 4 }}
  volumeMounts:
    {{- include "ticketing.connectionMounts" "migration" | nindent 4 }}
  resources:
    {{- toYaml .Values.migrations.resources | nindent 4 }}
{{- end }}

{{- /* The token of a Job that calls: the ServiceAccount's own, unless a Secret has one. */ -}}
{{- define "ticketing.tokenVolume" -}}
- name: token
  {{- if .existingSecret }}
  secret:
    secretName: {{ .existingSecret }}
    defaultMode: 0440
    items: [{key: {{ .key | quote }}, path: token}]
  {{- else }}
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, audience: {{ .audience | quote }}, expirationSeconds: 3600}
  {{- end }}
{{- end }}

{{/* The authorities that vouch for the servers, for who calls them over TLS. */}}
{{- define "ticketing.caVolume" -}}
- name: ca
  secret:
    secretName: {{ default (include "ticketing.tlsSecret" .) .Values.tls.ca.existingSecret }}
    defaultMode: 0440
    items: [{key: {{ .Values.tls.ca.key | quote }}, path: ca.crt}]
{{- end }}
