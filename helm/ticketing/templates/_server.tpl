{{- /* What servers and workers are told and given: {root, component, values}. */ -}}

{{- define "ticketing.server.files" -}}
{{- with .root.Values }}
{{- include "ticketing.databaseFiles" .database }}
{{- if .attachments.url }}
{{- include "ticketing.secretFiles" (dict "secret" .attachments.existingSecret "keys" .attachments.keys "folder" "attachments") }}
{{- include "ticketing.secretFiles" (dict "secret" .attachments.ca.existingSecret "keys" (dict "ca" .attachments.ca.key) "folder" "attachments") }}
{{- end }}
{{- if eq $.component "worker" }}
{{- include "ticketing.secretFiles" (dict "secret" .nats.existingSecret "keys" .nats.keys "folder" "nats") }}
{{- include "ticketing.secretFiles" (dict "secret" .webhooks.ca.existingSecret "keys" (dict "ca" .webhooks.ca.key) "folder" "webhooks") }}
{{- else if .tls.enabled }}
{{- include "ticketing.secretFiles" (dict "secret" (include "ticketing.tlsSecret" $.root) "keys" .tls.keys "folder" "tls") }}
{{- include "ticketing.secretFiles" (dict "secret" .tls.clientCa.existingSecret "keys" (dict "clientCa" .tls.clientCa.key) "folder" "tls") }}
{{- end }}
{{- end }}
{{- end }}

{{- define "ticketing.server.volumes" -}}
{{- include "ticketing.connectionVolumes" (dict "name" "connections" "files" (include "ticketing.server.files" .)) }}
{{- if eq .root.Values.migrations.mode "initContainer" }}
{{ include "ticketing.migrationVolumes" .root }}
{{- end }}
{{- if eq .component "api" }}
{{- with .root.Values.identity }}
- name: identity
  configMap:
    name: {{ ternary (printf "%s-identity" (include "ticketing.fullname" $.root)) .existingConfigMap (not (empty .document)) }}
    items: [{key: {{ ternary "identity.yaml" .key (not (empty .document)) | quote }}, path: identity.yaml}]
{{- if .clusterToken }}
- name: cluster-token
  projected:
    defaultMode: 0440
    sources:
      - serviceAccountToken: {path: token, expirationSeconds: 3600}
      - configMap: {name: kube-root-ca.crt, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end }}
{{- end }}
{{- with .values.extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ticketing.server.mounts" -}}
{{- include "ticketing.connectionMounts" "connections" }}
{{- if eq .component "api" }}
- {name: identity, mountPath: /etc/ticketing/identity, readOnly: true}
{{- if .root.Values.identity.clusterToken }}
- {name: cluster-token, mountPath: /var/run/secrets/kubernetes.io/serviceaccount, readOnly: true}
{{- end }}
{{- end }}
{{- with .values.extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The settings: those that follow from other values, then those that are said. */ -}}
{{- define "ticketing.server.settings" -}}
{{- $secrets := "/etc/ticketing/connections" }}
{{- $settings := dict "health_listen" (printf "%s:%v" .root.Values.listen.address .root.Values.listen.healthPort) }}
{{- with .root.Values }}
{{- if .attachments.url }}
{{- $_ := set $settings "attachments_url" .attachments.url }}
{{- $_ := set $settings "attachments_key_id_file" (printf "%s/attachments/id" $secrets) }}
{{- $_ := set $settings "attachments_key_file" (printf "%s/attachments/key" $secrets) }}
{{- if .attachments.ca.existingSecret }}{{ $_ := set $settings "attachments_ca_file" (printf "%s/attachments/ca" $secrets) }}{{ end }}
{{- end }}
{{- if eq $.component "worker" }}
{{- if .nats.keys.url }}{{ $_ := set $settings "nats_url_file" (printf "%s/nats/url" $secrets) }}
{{- else if .nats.url }}{{ $_ := set $settings "nats_url" .nats.url }}{{ end }}
{{- if .nats.keys.credentials }}{{ $_ := set $settings "nats_credentials" (printf "%s/nats/credentials" $secrets) }}{{ end }}
{{- if .nats.keys.ca }}{{ $_ := set $settings "nats_ca_file" (printf "%s/nats/ca" $secrets) }}{{ end }}
{{- if .nats.keys.certificate }}
{{- $_ := set $settings "nats_certificate_file" (printf "%s/nats/certificate" $secrets) }}
{{- $_ := set $settings "nats_key_file" (printf "%s/nats/key" $secrets) }}
{{- end }}
{{- if .webhooks.ca.existingSecret }}{{ $_ := set $settings "webhook_ca_file" (printf "%s/webhooks/ca" $secrets) }}{{ end }}
{{- else }}
{{- $_ := set $settings "listen" (printf "%s:%v" .listen.address .listen.grpcPort) }}
{{- $_ := set $settings "identity_file" "/etc/ticketing/identity/identity.yaml" }}
{{- if .tls.enabled }}
{{- $_ := set $settings "tls_certificate_file" (printf "%s/tls/certificate" $secrets) }}
{{- $_ := set $settings "tls_key_file" (printf "%s/tls/key" $secrets) }}
{{- if .tls.clientCa.existingSecret }}{{ $_ := set $settings "tls_client_ca_file" (printf "%s/tls/clientCa" $secrets) }}{{ end }}
{{- end }}
{{- end }}
{{- range $name, $value := .settings }}
{{- $value = dig $name $value $.values.settings }}
{{- if not (kindIs "string" $value) }}{{ $value = toJson $value }}{{ end }}
{{- if $value }}{{ $_ := set $settings $name $value }}{{ end }}
{{- end }}
{{- end }}
{{- toYaml $settings }}
{{- end }}

{{- define "ticketing.server.env" -}}
{{- include "ticketing.databaseEnv" (dict "name" "connections" "database" .root.Values.database) | trim }}
{{- range $name, $value := include "ticketing.server.settings" . | fromYaml }}
- {name: TICKETING_{{ upper $name }}, value: {{ $value | quote }}}
{{- end }}
{{- with .values.extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "ticketing.server.probes" -}}
{{- $port := .root.Values.listen.healthPort }}
{{- with .values.probes }}
startupProbe:
  grpc: {port: {{ $port }}, service: startup}
  {{- toYaml .startup | nindent 2 }}
readinessProbe:
  grpc: {port: {{ $port }}, service: readiness}
  {{- toYaml .readiness | nindent 2 }}
livenessProbe:
  grpc: {port: {{ $port }}, service: liveness}
  {{- toYaml .liveness | nindent 2 }}
{{- end }}
{{- end }}

{{- /* Constraints that find the component's own pods, of one release of the template. */ -}}
{{- define "ticketing.server.spread" -}}
{{- range $key, $when := dict "topology.kubernetes.io/zone" .values.topologySpread.zone "kubernetes.io/hostname" .values.topologySpread.host }}
{{- if $when }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: {{ $when }}
  labelSelector:
    matchLabels:
      {{- include "ticketing.selector" $ | nindent 6 }}
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}

{{- /* How many pods there are at least. */ -}}
{{- define "ticketing.server.minimum" -}}
{{- with .values.autoscaling }}
{{- if .hpa.enabled }}{{ .hpa.minReplicas }}{{ else if .keda.enabled }}{{ .keda.minReplicas }}{{ else }}{{ $.values.replicas }}{{ end }}
{{- end }}
{{- end }}
