{{- /*
What a schema cannot say in a sentence. All faults are named at once, each with what to do.
*/ -}}

{{- /* Keys of files/moved.yaml that are there. */ -}}
{{- define "ticketing.refusals.moved" -}}
{{- range $path, $instead := .Files.Get "files/moved.yaml" | fromYaml }}
{{- $at := $.Values }}
{{- range splitList "." $path }}
{{- if kindIs "map" $at }}{{ $at = get $at . }}{{ else }}{{ $at = "" }}{{ end }}
{{- end }}
{{- if not (or (kindIs "invalid" $at) (eq (toString $at) "")) }}
- {{ $path }} is no value of this chart: {{ $instead }}.
{{- end }}
{{- end }}
{{- end }}

{{- /* {name, database} */ -}}
{{- define "ticketing.refusals.database" -}}
{{- with .database }}
{{- $keys := join "" (values .keys) }}
{{- if and (not .existingSecret) (not .host) }}
- {{ $.name }} is not said: name in {{ $.name }}.existingSecret a Secret with the connection, or in {{ $.name }}.host the host.
{{- end }}
{{- if and .existingSecret (not $keys) }}
- {{ $.name }}.existingSecret is named but no key of it: say in {{ $.name }}.keys which key holds which field.
{{- end }}
{{- if and (join "" (values .tls.keys)) (not (or .tls.existingSecret .existingSecret)) }}
- {{ $.name }}.tls.keys names files but no Secret has them: name it in {{ $.name }}.tls.existingSecret.
{{- end }}
{{- if ne (empty .tls.keys.sslcert) (empty .tls.keys.sslkey) }}
- {{ $.name }}.tls.keys.sslcert and {{ $.name }}.tls.keys.sslkey go together: say both or none.
{{- end }}
{{- end }}
{{- end }}

{{- /* {root, name, values} */ -}}
{{- define "ticketing.refusals.component" -}}
{{- $name := .name }}
{{- with .values }}
{{- with .podDisruptionBudget }}
{{- if and (not (kindIs "invalid" .minAvailable)) (not (kindIs "invalid" .maxUnavailable)) }}
- {{ $name }}.podDisruptionBudget has minAvailable and maxUnavailable, and Kubernetes takes one: remove one of them.
{{- end }}
{{- end }}
{{- with .autoscaling }}
{{- if and .hpa.enabled .keda.enabled }}
- {{ $name }}.autoscaling has hpa and keda enabled, and they would work against each other: disable one of them.
{{- end }}
{{- if and .keda.enabled (not .keda.triggers) (not (and (eq $name "worker") $.root.Values.monitoring.prometheusUrl)) }}
- {{ $name }}.autoscaling.keda has nothing to look at: name at least one of its triggers{{ if eq $name "worker" }}, or in monitoring.prometheusUrl the Prometheus that knows how old is what waits{{ end }}.
{{- end }}
{{- if and .hpa.enabled (not .hpa.targetCPUUtilizationPercentage) (not .hpa.metrics) }}
- {{ $name }}.autoscaling.hpa has nothing to look at: say targetCPUUtilizationPercentage or metrics.
{{- end }}
{{- range $kind := list "hpa" "keda" }}
{{- with get $.values.autoscaling $kind }}
{{- if and .enabled (gt (int .minReplicas) (int .maxReplicas)) }}
- {{ $name }}.autoscaling.{{ $kind }} has more minReplicas than maxReplicas: raise maxReplicas.
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- $drain := int (dig "drain_seconds" $.root.Values.settings.drain_seconds .settings) }}
{{- /* After the drain, jobs may take 10 s for their last tick, and what telemetry holds is sent in 5 s. */}}
{{- $needed := add (int .preStopSleepSeconds) $drain 15 }}
{{- if lt (int .terminationGracePeriodSeconds) (int $needed) }}
- {{ $name }}.terminationGracePeriodSeconds is {{ .terminationGracePeriodSeconds }}, and a pod may take {{ $needed }} s to end (preStopSleepSeconds, drain_seconds and 15 s): raise it.
{{- end }}
{{- end }}
{{- end }}

{{- define "ticketing.refusals.calls" -}}
{{- with .Values }}
{{- if and (not .identity.document) (not .identity.existingConfigMap) }}
- nobody says who may call: write identity.document, or name in identity.existingConfigMap a ConfigMap with it (docs/identity.md).
{{- end }}
{{- if and .tls.enabled (not .tls.existingSecret) (not .tls.certManager.enabled) }}
- tls is enabled without a certificate: name a Secret in tls.existingSecret, or enable tls.certManager.
{{- end }}
{{- if and .tls.existingSecret .tls.certManager.enabled }}
- tls.existingSecret and tls.certManager both bring a certificate: remove one of them.
{{- end }}
{{- if and .tls.certManager.enabled (not .tls.certManager.issuerRef) }}
- tls.certManager is enabled without an issuer: name it in tls.certManager.issuerRef.
{{- end }}
{{- if and .tls.clientCa.existingSecret (not .tls.enabled) }}
- tls.clientCa is named, but without TLS clients show no certificates: enable tls.
{{- end }}
{{- if contains "@" .nats.url }}
- nats.url has a password or a token in it: put it into the Secret that nats.existingSecret names, and its key into nats.keys.url.
{{- end }}
{{- if ne (empty .nats.keys.certificate) (empty .nats.keys.key) }}
- nats.keys.certificate and nats.keys.key go together: say both or none.
{{- end }}
{{- if and (or .nats.keys.url .nats.keys.credentials .nats.keys.ca .nats.keys.certificate) (not .nats.existingSecret) }}
- nats.keys names keys but no Secret has them: name it in nats.existingSecret.
{{- end }}
{{- if and .nats.existingSecret (not (or .nats.url .nats.keys.url)) }}
- nats.existingSecret is named, but no server: say it in nats.url, or its key in nats.keys.url.
{{- end }}
{{- if and .monitoring.podMonitor.enabled .monitoring.serviceMonitor.enabled }}
- monitoring has podMonitor and serviceMonitor enabled, and everything would be scraped twice: disable one of them.
{{- end }}
{{- $alerts := list }}
{{- range $path, $_ := $.Files.Glob "files/alerts/*.yaml" }}
{{- $alerts = append $alerts (base $path | trimSuffix ".yaml") }}
{{- end }}
{{- range .monitoring.rules.excludeRules }}
{{- if not (has . $alerts) }}
- monitoring.rules.excludeRules names {{ . }}, and there is no such alert: take one of {{ join ", " $alerts }}.
{{- end }}
{{- end }}
{{- if and .attachments.url (not (and .attachments.existingSecret .attachments.keys.id .attachments.keys.key)) }}
- attachments.url names a bucket but nobody who may write there: name in attachments.existingSecret a Secret, and in attachments.keys which of its keys hold id and key.
{{- end }}
{{- if and .attachments.existingSecret (not .attachments.url) }}
- attachments.existingSecret is named, but no bucket: say it in attachments.url.
{{- end }}
{{- if and .grpcRoute.enabled (not .grpcRoute.parentRefs) }}
- grpcRoute is enabled without a gateway: name it in grpcRoute.parentRefs.
{{- end }}
{{- if and .ingress.enabled (not .ingress.hosts) }}
- ingress is enabled without a host: name it in ingress.hosts.
{{- end }}
{{- if and .configuration.documents .configuration.existingConfigMap }}
- configuration.documents and configuration.existingConfigMap exclude each other: remove one of them.
{{- end }}
{{- end }}
{{- end }}

{{- define "ticketing.refusals" -}}
{{- $faults := include "ticketing.refusals.moved" . }}
{{- $faults = print $faults (include "ticketing.refusals.database" (dict "name" "database" "database" .Values.database)) }}
{{- with .Values.migrations.database }}
{{- if or .existingSecret .host }}
{{- $faults = print $faults (include "ticketing.refusals.database" (dict "name" "migrations.database" "database" .)) }}
{{- end }}
{{- end }}
{{- range $name := list "api" "worker" }}
{{- $faults = print $faults (include "ticketing.refusals.component" (dict "root" $ "name" $name "values" (get $.Values $name))) }}
{{- end }}
{{- $faults = print $faults (include "ticketing.refusals.calls" .) }}
{{- with trim $faults }}
{{- fail (printf "the values are wrong:\n%s\n" .) }}
{{- end }}
{{- end }}
